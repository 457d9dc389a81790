-- One row per home country: customers, buyers and revenue to date.
CREATE VIEW geographic_performance AS
SELECT
    users.country_code,
    coalesce(min(users.country COLLATE "C"), 'not known') AS country,
    count(*) AS customers,
    count(*) FILTER (WHERE worth.orders > 0) AS buyers,
    sum(worth.orders) AS orders,
    sum(worth.revenue) AS revenue,
    round(sum(worth.revenue) / nullif(sum(worth.orders), 0), 2) AS avg_order_value
FROM users JOIN customer_lifetime_value AS worth USING (user_id)
GROUP BY users.country_code, CASE WHEN users.country_code IS NULL THEN users.country END;
COMMENT ON VIEW geographic_performance IS 'One row per home country: customers, buyers, completed orders and revenue to date.'
