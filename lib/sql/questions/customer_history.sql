-- History, as of :split, of each customer with a completed order before that day, and later purchases before :as_of.
-- All orders of one day are one purchase. frequency: purchases after the first. recency: days from the first to
-- the last. age: days from the first to the day before :split. monetary_value: mean revenue per purchase.
-- days_since_last: days from the last purchase to :split. later_orders, later_revenue: purchases and revenue from
-- :split on. Guests and orders of amount 0 do not count.
WITH
purchases AS (
    SELECT
        user_id,
        shop_day(order_date) AS date,
        count(*) AS orders,
        sum(total_amount) AS revenue
    FROM orders
    WHERE status = 'completed' AND order_date < day_start(CAST(:as_of AS date))
        AND total_amount > 0 AND NOT EXISTS (SELECT FROM users WHERE users.user_id = orders.user_id AND is_guest)
    GROUP BY 1, 2
),
sums AS (
    SELECT
        user_id,
        min(date) AS first_date,
        max(date) FILTER (WHERE date < :split) AS last_date,
        count(*) FILTER (WHERE date < :split) AS purchases,
        sum(orders) FILTER (WHERE date < :split) AS orders,
        sum(revenue) FILTER (WHERE date < :split) AS revenue,
        count(*) FILTER (WHERE date >= :split) AS later_orders,
        coalesce(sum(revenue) FILTER (WHERE date >= :split), 0) AS later_revenue
    FROM purchases
    GROUP BY user_id
    HAVING min(date) < :split
),
final AS (
    SELECT
        user_id::text AS user_id,
        orders::integer AS orders,
        purchases::integer AS purchases,
        purchases::integer - 1 AS frequency,
        last_date - first_date AS recency,
        CAST(:split AS date) - 1 - first_date AS age,
        CAST(:split AS date) - last_date AS days_since_last,
        revenue::double precision AS revenue,
        (revenue / purchases)::double precision AS monetary_value,
        later_orders::integer AS later_orders,
        later_revenue::double precision AS later_revenue
    FROM sums
)
SELECT * FROM final ORDER BY user_id COLLATE "C"
