-- Strikes lines whose invoice an earlier line gives to another customer.
INSERT INTO struck_lines
WITH owners AS (
    SELECT invoice, min_by(customer, line) AS customer, min(line) AS line
    FROM lines
    GROUP BY invoice
    HAVING min(customer) <> max(customer)
)

SELECT
    lines.line, 'customer' AS field, 'conflicting_customer' AS rule, lines.customer AS value,
    format('line {{}} gives this invoice to another customer', owners.line) AS reason, false AS fallen
FROM lines
JOIN owners USING (invoice)
WHERE lines.customer <> owners.customer
