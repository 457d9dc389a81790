-- One row per product, sold or not: orders, units, revenue and gross profit of completed orders to date.
CREATE VIEW product_performance AS
WITH
sold AS (
    SELECT
        order_items.product_id,
        sum(order_items.quantity) AS units,
        sum(order_items.quantity * order_items.price_at_time) AS revenue,
        sum(order_items.quantity * order_items.discount) AS discounts,
        count(DISTINCT orders.order_id) AS orders,
        count(DISTINCT orders.user_id) FILTER (WHERE NOT users.is_guest) AS buyers,
        max(orders.order_date) AS last_order_date
    FROM orders JOIN order_items USING (order_id) JOIN users USING (user_id)
    WHERE orders.status = 'completed'
    GROUP BY order_items.product_id
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
COMMENT ON VIEW product_performance IS 'One row per product: orders, buyers, units, revenue and gross profit of completed orders to date.'
