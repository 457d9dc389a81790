-- Buyers by revenue (net sales) to :as_of, in at most :bins classes of one round width (1, 2 or 5
-- times a power of ten) up to the 99th percentile. The last class includes all buyers above, because a few large ones
-- would flatten the histogram, and the first one those whose returns exceed their purchases. A class contains from_revenue <= revenue < to_revenue; empty classes have a row.
-- Guests and orders of amount 0 do not count.
WITH
buyers AS (
    SELECT sum(amount) AS revenue
    FROM sales()
    WHERE occurred_at < day_start(CAST(:as_of AS date))
        AND NOT EXISTS (SELECT FROM users WHERE users.user_id = sales.user_id AND is_guest)
    GROUP BY user_id
    HAVING sum(orders) > 0
),
least AS (
    SELECT greatest(percentile_disc(0.99) WITHIN GROUP (ORDER BY revenue), 1) AS top FROM buyers HAVING count(*) > 0
),
edge AS (
    SELECT top, min(step * power(10::numeric, exponent)) AS width
    FROM least CROSS JOIN unnest(ARRAY[1, 2, 5]) AS step CROSS JOIN generate_series(-2, 12) AS exponent
    WHERE step * power(10::numeric, exponent) * :bins > top
    GROUP BY top
),
counted AS (
    SELECT floor(greatest(least(revenue, top), 0) / width)::integer AS class, count(*) AS buyers
    FROM buyers CROSS JOIN edge
    GROUP BY 1
),
classes AS (
    SELECT generate_series(0, floor(top / width)::integer) AS class, width FROM edge
),
final AS (
    SELECT
        class * width AS from_revenue,
        (class + 1) * width AS to_revenue,
        coalesce(counted.buyers, 0) AS buyers
    FROM classes LEFT JOIN counted USING (class)
)
SELECT * FROM final ORDER BY from_revenue
