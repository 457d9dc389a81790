-- One row per home country: customers, buyers, orders and revenue (net sales) to date; guests count in orders and revenue only.
CREATE VIEW geographic_performance AS
WITH
sold AS (
    SELECT user_id, sum(orders) AS orders, sum(amount) FILTER (WHERE kind = 'sale') AS sales, sum(amount) AS revenue
    FROM sales()
    GROUP BY user_id
)
SELECT
    users.country_code,
    coalesce(min(users.country COLLATE "C"), 'not known') AS country,
    count(*) FILTER (WHERE NOT users.is_guest) AS customers,
    count(*) FILTER (WHERE sold.orders > 0 AND NOT users.is_guest) AS buyers,
    coalesce(sum(sold.orders), 0) AS orders,
    coalesce(sum(sold.revenue), 0) AS revenue,
    shop_amount(sum(sold.sales) / nullif(sum(sold.orders), 0)) AS avg_order_value
FROM users LEFT JOIN sold USING (user_id)
GROUP BY users.country_code, CASE WHEN users.country_code IS NULL THEN users.country END;
COMMENT ON VIEW geographic_performance IS 'One row per home country: customers, buyers, orders and revenue (net sales) to date.'
