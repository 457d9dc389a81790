-- Revenue (net sales) per day before :as_of and segment: the product category or, if no product has one, the country
-- shipped to. A day without sales and returns in a segment has no row. The segments add up to the revenue of the shop.
WITH
known AS (
    SELECT count(category) > 0 AS categories FROM products
),
final AS (
    SELECT
        shop_day(occurred_at) AS date,
        coalesce(
            CASE WHEN known.categories THEN products.category ELSE orders.shipping_country_code END, 'not known'
        ) AS segment,
        sum(amount) AS revenue
    FROM sold_items()
    LEFT JOIN orders USING (order_id)
    LEFT JOIN products USING (product_id)
    CROSS JOIN known
    WHERE occurred_at < day_start(CAST(:as_of AS date))
    GROUP BY 1, 2
)
SELECT * FROM final ORDER BY date, segment COLLATE "C"
