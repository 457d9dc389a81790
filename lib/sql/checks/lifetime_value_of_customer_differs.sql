-- error: Customers whose orders or revenue in customer_lifetime_value differ from their sales and returns.
-- needs: customer_lifetime_value
WITH bought AS (
    SELECT user_id, sum(orders) AS orders, sum(amount) AS revenue
    FROM sales() JOIN users USING (user_id)
    WHERE NOT is_guest
    GROUP BY user_id
)
SELECT user_id, mart.orders, mart.revenue
FROM customer_lifetime_value AS mart FULL JOIN bought USING (user_id)
WHERE (mart.orders, mart.revenue) IS DISTINCT FROM (coalesce(bought.orders, 0), coalesce(bought.revenue, 0))
