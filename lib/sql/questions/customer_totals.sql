-- Customers who signed up before :as_of, and those among them with a completed order before :as_of (buyers); one row.
-- Guests and orders of amount 0 do not count.
SELECT
    count(*) AS customers,
    count(*) FILTER (
        WHERE EXISTS (
            SELECT FROM orders
            WHERE orders.user_id = users.user_id AND orders.status = 'completed' AND orders.total_amount > 0
                AND orders.order_date < day_start(CAST(:as_of AS date))
        )
    ) AS buyers
FROM users
WHERE NOT is_guest AND signup_date < :as_of
