-- Revenue (completed orders) per day before :as_of and segment: the product category or, if no product has one, the
-- country shipped to. A day without sales in a segment has no row. The segments add up to the revenue of the shop.
WITH
placed AS (
    SELECT order_id, shop_day(order_date) AS date, shipping_country_code
    FROM orders
    WHERE status = 'completed' AND order_date < day_start(CAST(:as_of AS date))
),
known AS (
    SELECT count(category) > 0 AS categories FROM products
),
final AS (
    SELECT
        placed.date,
        coalesce(
            CASE WHEN known.categories THEN products.category ELSE placed.shipping_country_code END, 'not known'
        ) AS segment,
        sum(order_items.quantity * order_items.price_at_time) AS revenue
    FROM placed JOIN order_items USING (order_id) JOIN products USING (product_id) CROSS JOIN known
    GROUP BY 1, 2
)
SELECT * FROM final ORDER BY date, segment COLLATE "C"
