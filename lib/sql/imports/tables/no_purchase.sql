-- Strikes orders without a purchase event, in a shop that has purchase events at all.
INSERT INTO struck_orders
WITH unpurchased AS (
    SELECT orders.line, orders.order_id
    FROM orders
    ANTI JOIN (SELECT order_id FROM events WHERE event_type = 'purchase') USING (order_id)
    WHERE EXISTS (SELECT 1 FROM events WHERE event_type = 'purchase')
),

causes AS (
    SELECT order_id, min_by(cause, line) AS cause
    FROM refused_events
    WHERE event_type = 'purchase' AND order_id IN (SELECT order_id FROM unpurchased)
    GROUP BY order_id
)

SELECT
    unpurchased.line, 'order_id' AS field, 'no_purchase_event' AS rule, unpurchased.order_id::VARCHAR AS value,
    coalesce(causes.cause, 'no purchase event names this order; add it to ' || file || ', or leave that file out') AS reason,
    causes.cause IS NOT NULL AS fallen
FROM unpurchased
LEFT JOIN causes USING (order_id)
JOIN files ON files.source = 'events'
