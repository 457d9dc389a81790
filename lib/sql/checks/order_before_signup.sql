-- error: Orders placed before their customer signed up; a cancelled one may be the credit note of an older sale.
SELECT orders.order_id, orders.order_date, users.signup_date
FROM orders JOIN users USING (user_id)
WHERE orders.status <> 'cancelled' AND (orders.order_date AT TIME ZONE 'UTC')::date < users.signup_date
