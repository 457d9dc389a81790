-- One row per customer: signed up with the first invoice, at home where the latest line says; by sign-up and name.
WITH invoices AS (
    SELECT min_by(customer, line) AS customer, min_by(invoice_date, line) AS order_date FROM lines GROUP BY invoice
),

signups AS (
    SELECT customer, min(order_date)::DATE AS signup_date FROM invoices GROUP BY customer
),

homes AS (
    SELECT customer, max(row(invoice_date, line, country)) AS latest FROM lines GROUP BY customer
)

SELECT
    key_of('user', customer) AS user_id,
    CASE
        WHEN regexp_full_match(customer, '[a-z0-9._-]{{1,64}}') THEN customer
        ELSE key_of('user', customer)::VARCHAR
    END || '@no-email.invalid' AS email,
    'Customer ' || customer AS name,
    nullif(country_codes.code, '') AS country_code,
    latest[3] AS country,
    signup_date
FROM signups
JOIN homes USING (customer)
LEFT JOIN country_codes ON country_codes.name = homes.latest[3]
ORDER BY signup_date, name
