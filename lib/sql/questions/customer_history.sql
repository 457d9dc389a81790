-- History, as of :split, of each customer with an order before that day, and later purchases before :as_of.
-- All orders of one day are one purchase. frequency: purchases after the first. recency: days from the first to
-- the last. age: days from the first to the day before :split. revenue: net sales, so that returns are subtracted.
-- monetary_value: mean revenue per purchase, at least 0. days_since_last: days from the last purchase to :split.
-- later_orders, later_revenue: purchases and revenue from :split on. channel: of the customer's acquisition. Guests and
-- orders of amount 0 do not count.
WITH
days AS (
    SELECT
        user_id,
        shop_day(occurred_at) AS date,
        sum(orders) AS orders,
        sum(amount) AS revenue
    FROM sales()
    WHERE occurred_at < day_start(CAST(:as_of AS date))
        AND NOT EXISTS (SELECT FROM users WHERE users.user_id = sales.user_id AND is_guest)
    GROUP BY 1, 2
),
sums AS (
    SELECT
        user_id,
        min(date) FILTER (WHERE orders > 0) AS first_date,
        max(date) FILTER (WHERE orders > 0 AND date < :split) AS last_date,
        count(*) FILTER (WHERE orders > 0 AND date < :split) AS purchases,
        sum(orders) FILTER (WHERE date < :split) AS orders,
        sum(revenue) FILTER (WHERE date < :split) AS revenue,
        count(*) FILTER (WHERE orders > 0 AND date >= :split) AS later_orders,
        coalesce(sum(revenue) FILTER (WHERE date >= :split), 0) AS later_revenue
    FROM days
    GROUP BY user_id
    HAVING min(date) FILTER (WHERE orders > 0) < :split
)
SELECT
    user_id::text AS user_id,
    orders::integer AS orders,
    purchases::integer AS purchases,
    purchases::integer - 1 AS frequency,
    last_date - first_date AS recency,
    CAST(:split AS date) - 1 - first_date AS age,
    CAST(:split AS date) - last_date AS days_since_last,
    revenue::double precision AS revenue,
    (greatest(revenue, 0) / purchases)::double precision AS monetary_value,
    later_orders::integer AS later_orders,
    later_revenue::double precision AS later_revenue,
    coalesce(users.acquisition_channel, 'not known') AS channel
FROM sums JOIN users USING (user_id)
ORDER BY sums.user_id
