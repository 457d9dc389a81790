-- Revenue (completed orders) per day before :as_of and part of the shop: the category of the product where products
-- have one, else the country shipped to. A day on which a part sold nothing has no row. The parts add up to the whole.
WITH
placed AS (
    SELECT order_id, (order_date AT TIME ZONE 'UTC')::date AS date, shipping_country_code
    FROM orders
    WHERE status = 'completed' AND order_date < CAST(:as_of AS date)::timestamp AT TIME ZONE 'UTC'
),
known AS (
    SELECT count(category) > 0 AS categories FROM products
),
final AS (
    SELECT
        placed.date,
        coalesce(
            CASE WHEN known.categories THEN products.category ELSE placed.shipping_country_code END, 'not known'
        ) AS part,
        sum(order_items.quantity * order_items.price_at_time) AS revenue
    FROM placed JOIN order_items USING (order_id) JOIN products USING (product_id) CROSS JOIN known
    GROUP BY 1, 2
)
SELECT * FROM final ORDER BY date, part COLLATE "C"
