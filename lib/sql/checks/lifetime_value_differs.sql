-- error: Totals of customer_lifetime_value that differ from the tables it is built from.
-- needs: customer_lifetime_value
WITH
mart AS (
    SELECT count(*) AS customers, coalesce(sum(revenue), 0) AS revenue, coalesce(sum(orders), 0) AS orders
    FROM customer_lifetime_value
),
source AS (
    SELECT
        (SELECT count(*) FROM users WHERE NOT is_guest) AS customers,
        coalesce(sum(amount), 0) AS revenue, coalesce(sum(orders), 0) AS orders
    FROM sales() JOIN users USING (user_id)
    WHERE NOT is_guest
)
SELECT mart.*, source.* FROM mart, source
WHERE (mart.customers, mart.revenue, mart.orders) IS DISTINCT FROM (source.customers, source.revenue, source.orders)
