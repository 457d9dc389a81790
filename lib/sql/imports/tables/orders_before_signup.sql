-- Strikes orders placed before the day, in UTC, on which their customer signed up.
INSERT INTO struck_orders
SELECT
    orders.line, 'order_date' AS field, 'before_signup' AS rule, orders.order_date::VARCHAR AS value,
    format('its customer signed up on {{}}; correct this date or signup_date', users.signup_date) AS reason,
    false AS fallen
FROM orders
JOIN users USING (user_id)
WHERE orders.order_date::DATE < users.signup_date
