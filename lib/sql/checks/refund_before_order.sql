-- error: Refunds dated before their order was placed.
SELECT refund_id, refund_date, order_date
FROM refunds JOIN orders USING (order_id)
WHERE refund_date < order_date
