-- Customers who had signed up before :as_of, and how many of them had a completed order by then (buyers); one row.
SELECT
    count(*) AS customers,
    count(*) FILTER (
        WHERE EXISTS (
            SELECT FROM orders
            WHERE orders.user_id = users.user_id AND orders.status = 'completed'
                AND orders.order_date < CAST(:as_of AS date)::timestamp AT TIME ZONE 'UTC'
        )
    ) AS buyers
FROM users
WHERE signup_date < :as_of
