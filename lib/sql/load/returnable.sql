-- Credit notes without an order, and the order items of the same customer and product with the units and the amount that
-- their other returns left, in the order in which they happened.
WITH credits AS (
    SELECT refund_id, user_id, product_id, refund_date, quantity, amount
    FROM refunds
    WHERE kind = 'credit note' AND order_id IS NULL AND product_id IS NOT NULL AND quantity IS NOT NULL
),
sales AS (
    SELECT
        order_item_id,
        items.order_id,
        orders.user_id,
        items.product_id,
        order_date,
        items.quantity - coalesce(sum(refunds.quantity), 0) AS units,
        shop_amount(items.quantity * price_at_time) - coalesce(sum(refunds.amount), 0) AS amount
    FROM order_items AS items JOIN orders USING (order_id) LEFT JOIN refunds USING (order_item_id)
    WHERE (orders.user_id, items.product_id) IN (SELECT user_id, product_id FROM credits)
    GROUP BY order_item_id, items.order_id, orders.user_id, items.product_id, order_date, items.quantity, price_at_time
)
SELECT user_id, product_id, order_item_id AS line, order_id AS number, order_date AS at, true AS is_sale, units, amount
FROM sales
UNION ALL
SELECT user_id, product_id, refund_id, NULL, refund_date, false, quantity, amount FROM credits
ORDER BY user_id, product_id, at, is_sale DESC, line
