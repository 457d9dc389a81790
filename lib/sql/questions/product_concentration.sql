-- Concentration curve of the revenue from :start up to, not including, :end: at most 101 points.
-- products: share of the products sold, by descending revenue. revenue: their share of the revenue.
-- place: their number. sold_products: all products sold.
WITH
sold AS (
    SELECT order_items.product_id, sum(quantity * price_at_time) AS revenue
    FROM orders JOIN order_items USING (order_id)
    WHERE orders.status = 'completed'
        AND order_date >= day_start(CAST(:start AS date))
        AND order_date < day_start(CAST(:end AS date))
    GROUP BY order_items.product_id
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
