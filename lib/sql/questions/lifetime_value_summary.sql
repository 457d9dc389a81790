-- Revenue (net sales) to date per buyer, a customer with an order before :as_of: number of buyers, total, mean and median.
-- top_tenth_from, top_tenth_share: lowest revenue in the top tenth of buyers (rounded up), and its share of revenue.
-- repeat_rate: share of buyers with orders on at least two days. Guests and orders of amount 0 do not count.
WITH
buyers AS (
    SELECT
        user_id,
        sum(amount) AS revenue,
        min(shop_day(occurred_at)) FILTER (WHERE orders > 0) < max(shop_day(occurred_at)) FILTER (WHERE orders > 0) AS repeated
    FROM sales()
    WHERE occurred_at < day_start(CAST(:as_of AS date))
        AND NOT EXISTS (SELECT FROM users WHERE users.user_id = sales.user_id AND is_guest)
    GROUP BY user_id
    HAVING sum(orders) > 0
),
ranked AS (
    SELECT revenue, repeated, ntile(10) OVER (ORDER BY revenue DESC, user_id) AS tenth FROM buyers
),
final AS (
    SELECT
        count(*) AS buyers,
        coalesce(sum(revenue), 0) AS revenue,
        avg(revenue)::double precision AS mean_revenue,
        percentile_cont(0.5) WITHIN GROUP (ORDER BY revenue) AS median_revenue,
        min(revenue) FILTER (WHERE tenth = 1) AS top_tenth_from,
        (sum(revenue) FILTER (WHERE tenth = 1) / nullif(sum(revenue), 0))::double precision AS top_tenth_share,
        count(*) FILTER (WHERE repeated)::double precision / nullif(count(*), 0) AS repeat_rate
    FROM ranked
)
SELECT * FROM final
