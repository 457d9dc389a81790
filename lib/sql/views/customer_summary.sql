-- One row per customer, without name and e-mail address: where from, and what they bought to date.
CREATE VIEW customer_summary AS
SELECT
    users.user_id,
    users.country_code,
    users.country,
    users.city,
    users.acquisition_channel,
    users.signup_date,
    worth.orders,
    worth.revenue,
    worth.avg_order_value,
    worth.first_order_date,
    worth.last_order_date,
    CASE WHEN worth.orders = 0 THEN 'no order' WHEN worth.orders = 1 THEN 'one order' ELSE 'repeat buyer' END AS buyer_type
FROM users JOIN customer_lifetime_value AS worth USING (user_id);
COMMENT ON VIEW customer_summary IS 'One row per customer, without personal data: country, channel, completed orders and revenue to date.'
