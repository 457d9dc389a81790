-- The refunds of each order in the added rows or in the present ones, the greater sum: no file reverses a refund.
CREATE TEMPORARY TABLE refunded_orders ON COMMIT DROP AS
SELECT order_id, max(amount) AS amount
FROM (
    SELECT order_id, sum(amount) AS amount FROM added_refunds GROUP BY order_id
    UNION ALL
    SELECT order_id, sum(amount)
    FROM public.refunds
    WHERE order_id IN (SELECT order_id FROM added_refunds)
    GROUP BY order_id
) AS sums
GROUP BY order_id
