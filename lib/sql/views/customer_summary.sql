-- One row per customer without name and e-mail address: country, channel, orders and revenue (net sales) to date.
CREATE VIEW customer_summary AS
SELECT
    users.user_id,
    users.country_code,
    users.country,
    users.city,
    users.acquisition_channel,
    users.signup_date,
    clv.orders,
    clv.revenue,
    clv.avg_order_value,
    shop_day(clv.first_order_date) AS first_order_date,
    shop_day(clv.last_order_date) AS last_order_date,
    CASE WHEN clv.orders = 0 THEN 'no order' WHEN clv.orders = 1 THEN 'one order' ELSE 'repeat buyer' END AS buyer_type
FROM users JOIN customer_lifetime_value AS clv USING (user_id);
COMMENT ON VIEW customer_summary IS 'One row per customer, without personal data: country, channel, orders and revenue (net sales) to date.'
