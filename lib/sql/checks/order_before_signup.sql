-- error: Orders placed before their customer signed up.
SELECT orders.order_id, orders.order_date, users.signup_date
FROM orders JOIN users USING (user_id)
WHERE (orders.order_date AT TIME ZONE 'UTC')::date < users.signup_date
