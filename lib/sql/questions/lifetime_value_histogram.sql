-- Buyers by revenue to date in :bins classes of equal width between 0 and the 99th percentile; the last class also
-- holds all above, so that a few large customers do not flatten the picture. Empty classes are listed with 0.
WITH
buyers AS (
    SELECT revenue FROM customer_lifetime_value WHERE orders > 0
),
edge AS (
    SELECT greatest(ceil(percentile_cont(0.99) WITHIN GROUP (ORDER BY revenue)), 1)::numeric AS top FROM buyers
),
counted AS (
    SELECT least(width_bucket(revenue, 0, top, :bins), :bins) AS class, count(*) AS buyers
    FROM buyers, edge
    GROUP BY 1
),
final AS (
    SELECT
        class,
        round((class - 1) * top / :bins, 2) AS from_revenue,
        round(class * top / :bins, 2) AS to_revenue,
        coalesce(counted.buyers, 0) AS buyers
    FROM generate_series(1, :bins) AS class CROSS JOIN edge LEFT JOIN counted USING (class)
    WHERE top IS NOT NULL
)
SELECT * FROM final ORDER BY class
