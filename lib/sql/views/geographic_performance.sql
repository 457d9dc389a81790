-- One row per home country: customers, buyers, completed orders and revenue to date.
CREATE VIEW geographic_performance AS
SELECT
    users.country_code,
    coalesce(min(users.country COLLATE "C"), 'not known') AS country,
    count(*) AS customers,
    count(*) FILTER (WHERE clv.orders > 0) AS buyers,
    sum(clv.orders) AS orders,
    sum(clv.revenue) AS revenue,
    round(sum(clv.revenue) / nullif(sum(clv.orders), 0), 2) AS avg_order_value
FROM users JOIN customer_lifetime_value AS clv USING (user_id)
GROUP BY users.country_code, CASE WHEN users.country_code IS NULL THEN users.country END;
COMMENT ON VIEW geographic_performance IS 'One row per home country: customers, buyers, completed orders and revenue to date.'
