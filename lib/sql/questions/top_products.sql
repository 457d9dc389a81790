-- The ten products with the most revenue in the days from :start up to, not including, :end.
-- revenue: quantity x price_at_time, in completed orders. share: revenue / revenue of all products in these days.
WITH
sold AS (
    SELECT
        order_items.product_id,
        sum(order_items.quantity * order_items.price_at_time) AS revenue,
        sum(order_items.quantity) AS units
    FROM orders JOIN order_items USING (order_id)
    WHERE orders.status = 'completed'
        AND orders.order_date >= day_start(CAST(:start AS date))
        AND orders.order_date < day_start(CAST(:end AS date))
    GROUP BY order_items.product_id
),
final AS (
    SELECT
        products.name,
        products.category,
        sold.units,
        sold.revenue,
        (sold.revenue / nullif(sum(sold.revenue) OVER (), 0))::double precision AS share
    FROM sold JOIN products USING (product_id)
)
SELECT * FROM final ORDER BY revenue DESC, name COLLATE "C" LIMIT 10
