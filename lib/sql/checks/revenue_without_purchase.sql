-- warning: Events other than purchases that have an order or revenue.
SELECT event_id, event_type, event_timestamp
FROM events
WHERE event_type <> 'purchase' AND (order_id IS NOT NULL OR revenue IS NOT NULL)
