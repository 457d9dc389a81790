-- A refund that an import added up to what was refunded of an order (its key: lib/sql/imports/common.sql) is less what the
-- other files refund of the order, in whichever order they are appended. The added rows of orders and refunds have the
-- values of their rows after the merge.
CREATE TEMPORARY TABLE due_refunds ON COMMIT DROP AS
WITH known AS (
    SELECT * FROM added_refunds
    UNION ALL
    SELECT * FROM public.refunds
    WHERE order_id IN (SELECT order_id FROM added_refunds)
        AND NOT EXISTS (SELECT FROM added_refunds AS added WHERE added.refund_id = refunds.refund_id)
),
sums AS (
    SELECT order_id, md5('added refund ' || order_id::text)::uuid AS added_id, sum(amount) AS amount
    FROM known
    GROUP BY order_id
)
SELECT
    known.refund_id, known.amount, known.amount + least(orders.total_amount, refunded_orders.amount) - sums.amount AS due
FROM known
JOIN sums ON sums.added_id = known.refund_id
JOIN public.orders AS orders ON orders.order_id = sums.order_id
JOIN refunded_orders ON refunded_orders.order_id = sums.order_id
WHERE sums.amount > least(orders.total_amount, refunded_orders.amount);
DELETE FROM public.refunds WHERE refund_id IN (SELECT refund_id FROM due_refunds WHERE due <= 0);
DELETE FROM added_refunds WHERE refund_id IN (SELECT refund_id FROM due_refunds WHERE due <= 0);
UPDATE public.refunds AS present SET amount = due, updated_at = now()
FROM due_refunds WHERE due_refunds.refund_id = present.refund_id AND due > 0 AND present.amount <> due;
UPDATE added_refunds AS added SET amount = due
FROM due_refunds WHERE due_refunds.refund_id = added.refund_id AND due > 0
