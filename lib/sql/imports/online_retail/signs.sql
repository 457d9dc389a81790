-- Strikes lines without a unit, and lines with units taken back outside an invoice that takes goods back.
INSERT INTO struck_lines
SELECT
    line, 'quantity' AS field, CASE WHEN quantity = 0 THEN 'zero_quantity' ELSE 'negative_quantity' END AS rule,
    quantity::VARCHAR AS value,
    CASE
        WHEN quantity = 0 THEN 'a line needs at least one unit; remove it'
        ELSE 'only an invoice whose number starts with C takes goods back'
    END AS reason, false AS fallen
FROM lines
WHERE quantity = 0 OR (quantity < 0 AND NOT starts_with(invoice, 'C'))
