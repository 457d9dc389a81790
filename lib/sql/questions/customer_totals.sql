-- Customers who signed up before :as_of, and those among them with a completed order before :as_of (buyers); one row.
SELECT
    count(*) AS customers,
    count(*) FILTER (
        WHERE EXISTS (
            SELECT FROM orders
            WHERE orders.user_id = users.user_id AND orders.status = 'completed'
                AND orders.order_date < day_start(CAST(:as_of AS date))
        )
    ) AS buyers
FROM users
WHERE signup_date < :as_of
