-- One row per invoice: date, customer and country of its first line, total of all; in the order of their first lines.
WITH invoices AS (
    SELECT
        invoice,
        min(line) AS line,
        min_by(customer, line) AS customer,
        min_by(invoice_date, line) AS order_date,
        sum(abs(quantity) * price) AS total_amount
    FROM lines
    GROUP BY invoice
)

SELECT
    key_of('order', invoices.invoice) AS order_id,
    key_of('user', invoices.customer) AS user_id,
    invoices.order_date,
    CASE WHEN starts_with(invoices.invoice, 'C') THEN 'cancelled' ELSE 'completed' END AS status,
    invoices.total_amount,
    nullif(country_codes.code, '') AS shipping_country_code
FROM invoices
JOIN lines USING (line)
LEFT JOIN country_codes ON country_codes.name = lines.country
ORDER BY line
