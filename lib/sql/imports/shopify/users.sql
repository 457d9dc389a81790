-- One row per customer: signed up with the first order, called and at home as the latest one says.
WITH placed AS (
    SELECT
        customers.customer,
        customers.email,
        lines.*
    FROM customers
    JOIN lines USING (line)
),

latest AS (
    SELECT
        customer,
        min_by(email, line) AS email,
        min(created_at)::DATE AS signup_date,
        min(line) AS line,
        min_by(name, line) AS first_order,
        max_by(billing_name, row(created_at, line)) AS billing_name,
        max(row(created_at, line, coalesce(shipping_country, billing_country), coalesce(shipping_city, billing_city))) AS home
    FROM placed
    GROUP BY customer
)

SELECT
    key_of('user', customer) AS user_id,
    coalesce(email, key_of('user', customer)::VARCHAR || '@no-email.invalid') AS email,
    coalesce(billing_name, 'Customer of order ' || first_order) AS name,
    home[3] AS country_code,
    country_names.name AS country,
    home[4] AS city,
    signup_date
FROM latest
LEFT JOIN country_names ON country_names.code = latest.home[3]
ORDER BY line
