-- Strikes purchase events that do not agree with their order in customer, instant and total, or that name none.
INSERT INTO struck_events
WITH purchases AS (
    SELECT
        events.line,
        events.order_id,
        CASE
            WHEN events.order_id IS NULL THEN 'order_id'
            WHEN events.user_id <> orders.user_id THEN 'user_id'
            WHEN events.event_timestamp <> orders.order_date THEN 'event_timestamp'
            WHEN events.revenue IS DISTINCT FROM orders.total_amount THEN 'revenue'
        END AS field,
        orders.line AS order_line
    FROM events
    LEFT JOIN orders USING (order_id)
    WHERE events.event_type = 'purchase'
)

SELECT
    line, field, 'purchase_differs_from_order' AS rule, order_id::VARCHAR AS value,
    coalesce(
        format('line {{}} of {{}} differs; a purchase has the customer, the instant and the total of its order', order_line, file),
        'a purchase names the order that was placed'
    ) AS reason,
    false AS fallen
FROM purchases
JOIN files ON files.source = 'orders'
WHERE field IS NOT NULL
