-- warning: Events other than a purchase that name an order or revenue.
SELECT event_id, event_type, event_timestamp
FROM events
WHERE event_type <> 'purchase' AND (order_id IS NOT NULL OR revenue IS NOT NULL)
