-- warning: Orders with more than one purchase event.
SELECT order_id, count(*) AS purchase_events
FROM events
WHERE event_type = 'purchase'
GROUP BY order_id
HAVING count(*) > 1
