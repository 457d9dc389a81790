-- Give a credit note the order item that it returns; its order is refunded if nothing of it is left.
WITH matched AS (
    UPDATE refunds
    SET order_id = items.order_id, order_item_id = items.order_item_id, updated_at = now(), loaded_at = now()
    FROM order_items AS items
    WHERE refund_id = :line AND items.order_item_id = :sale_line
    RETURNING items.order_id, amount
)
UPDATE orders SET status = 'refunded', updated_at = now(), loaded_at = now()
FROM matched
WHERE orders.order_id = matched.order_id AND status = 'completed'
    AND total_amount = matched.amount
        + (SELECT coalesce(sum(amount), 0) FROM refunds WHERE refunds.order_id = orders.order_id)
