-- error: Orders placed before their customer signed up; a cancelled one may be the credit note of an older sale.
SELECT orders.order_id, orders.order_date, users.signup_date
FROM orders JOIN users USING (user_id)
WHERE orders.status <> 'cancelled' AND shop_day(orders.order_date) < users.signup_date
