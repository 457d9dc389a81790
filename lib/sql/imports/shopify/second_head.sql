-- Strikes further first lines of an order: two orders have one name, and which lines are whose cannot be told.
INSERT INTO struck_lines
SELECT
    line, 'name' AS field, 'duplicate_of_line_n' AS rule, name AS value,
    format('line {{}} begins an order of this name already; give one of them another name', first_value(line) OVER orders) AS reason,
    false AS fallen
FROM lines
WHERE subtotal IS NOT NULL
WINDOW orders AS (PARTITION BY name ORDER BY line)
QUALIFY row_number() OVER orders > 1
