-- Customers who signed up before :as_of, and those among them with an order before :as_of (buyers); one row.
-- Guests and orders of amount 0 do not count.
SELECT
    count(*) AS customers,
    count(*) FILTER (
        WHERE user_id IN (SELECT user_id FROM customer_orders() WHERE order_date < day_start(CAST(:as_of AS date)))
    ) AS buyers
FROM users
WHERE NOT is_guest AND signup_date < :as_of
