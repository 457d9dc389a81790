-- One row per stock code: its most frequent description (ties: in code order) and the latest price it was sold at.
WITH named AS (
    SELECT product_code, description, count(*) AS lines
    FROM lines
    WHERE description IS NOT NULL
    GROUP BY product_code, description
),

names AS (
    SELECT product_code, min_by(description, row(-lines, description)) AS name FROM named GROUP BY product_code
),

priced AS (
    SELECT product_code, max_by(price, row(NOT starts_with(invoice, 'C'), invoice_date, line)) AS price
    FROM lines
    GROUP BY product_code
)

SELECT key_of('product', product_code) AS product_id, coalesce(name, product_code) AS name, price
FROM priced
LEFT JOIN names USING (product_code)
ORDER BY product_code
