-- One row per product, sold or not: orders, units, revenue (net sales) and gross profit to date; returns are subtracted.
CREATE VIEW product_performance AS
WITH
sold AS (
    SELECT
        product_id,
        sum(units) AS units,
        sum(amount) AS revenue,
        sum(gross_sales - amount) FILTER (WHERE kind = 'sale') AS discounts,
        count(DISTINCT order_id) FILTER (WHERE kind = 'sale') AS orders,
        count(DISTINCT user_id) FILTER (WHERE kind = 'sale' AND NOT users.is_guest) AS buyers,
        max(occurred_at) FILTER (WHERE kind = 'sale') AS last_order_date
    FROM sold_items() JOIN users USING (user_id)
    GROUP BY product_id
)
SELECT
    products.product_id,
    products.name,
    products.category,
    products.subcategory,
    products.price,
    products.stock_quantity,
    coalesce(sold.orders, 0) AS orders,
    coalesce(sold.buyers, 0) AS buyers,
    coalesce(sold.units, 0) AS units,
    coalesce(sold.revenue, 0) AS revenue,
    coalesce(sold.discounts, 0) AS discounts,
    sold.revenue - sold.units * products.cost AS gross_profit,
    shop_day(sold.last_order_date) AS last_order_date
FROM products LEFT JOIN sold USING (product_id);
COMMENT ON VIEW product_performance IS 'One row per product: orders, buyers, units, revenue (net sales) and gross profit to date.'
