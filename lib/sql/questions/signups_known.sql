-- Whether sign-ups are known apart from orders: any customer signed up on another day than that of the first order; one
-- row. Sources without sign-ups have the day of the first order.
SELECT EXISTS (
    SELECT
    FROM users JOIN (SELECT user_id, min(order_date) AS first_order FROM orders GROUP BY user_id) AS placed USING (user_id)
    WHERE NOT is_guest AND signup_date <> shop_day(first_order)
) AS known
