-- Concentration curve of the revenue from :start up to, not including, :end: at most 101 points.
-- products: share of the products sold, those with net sales above 0, by descending revenue. revenue: their share of it.
-- place: their number. sold_products: all products sold.
WITH
sold AS (
    SELECT product_id, sum(amount) AS revenue
    FROM sold_items()
    WHERE product_id IS NOT NULL
        AND occurred_at >= day_start(CAST(:start AS date))
        AND occurred_at < day_start(CAST(:end AS date))
    GROUP BY product_id
    HAVING sum(amount) > 0
),
ranked AS (
    SELECT
        row_number() OVER best AS place,
        count(*) OVER () AS sold_products,
        (sum(revenue) OVER best / nullif(sum(revenue) OVER (), 0))::double precision AS revenue
    FROM sold
    WINDOW best AS (ORDER BY sold.revenue DESC, product_id ROWS UNBOUNDED PRECEDING)
),
final AS (
    SELECT 0::double precision AS products, 0::double precision AS revenue, 0::bigint AS sold_products, 0::bigint AS place
    UNION ALL
    SELECT place::double precision / sold_products, revenue, sold_products, place
    FROM ranked
    WHERE revenue IS NOT NULL
        AND (sold_products <= 100 OR place * 100 / sold_products > (place - 1) * 100 / sold_products)
)
SELECT products, revenue, sold_products, place FROM final ORDER BY products
