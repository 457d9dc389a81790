-- error: Customers whose orders or revenue in customer_lifetime_value differ from their orders.
-- needs: customer_lifetime_value
WITH completed AS (
    SELECT user_id, count(*) AS orders, sum(total_amount) AS revenue
    FROM orders JOIN users USING (user_id)
    WHERE status = 'completed' AND total_amount > 0 AND NOT is_guest
    GROUP BY user_id
)
SELECT user_id, mart.orders, mart.revenue
FROM customer_lifetime_value AS mart FULL JOIN completed USING (user_id)
WHERE (mart.orders, mart.revenue) IS DISTINCT FROM (coalesce(completed.orders, 0), coalesce(completed.revenue, 0))
