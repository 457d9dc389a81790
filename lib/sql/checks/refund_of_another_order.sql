-- error: Refunds of an order item or a customer of another order.
SELECT refund_id, refunds.order_id
FROM refunds LEFT JOIN orders USING (order_id) LEFT JOIN order_items USING (order_item_id)
WHERE refunds.user_id <> orders.user_id OR order_items.order_id <> refunds.order_id
