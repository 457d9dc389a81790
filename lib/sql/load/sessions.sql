-- One row per session: the first instant of each of its steps, and whether its events name several customers.
SELECT
    session_id,
    min(event_timestamp) AS started_at,
    max(event_timestamp) AS ended_at,
    min(event_timestamp) FILTER (WHERE event_type = 'session_start') AS session_start,
    min(event_timestamp) FILTER (WHERE event_type = 'product_view') AS product_view,
    min(event_timestamp) FILTER (WHERE event_type = 'add_to_cart') AS add_to_cart,
    min(event_timestamp) FILTER (WHERE event_type = 'checkout') AS checkout,
    min(event_timestamp) FILTER (WHERE event_type = 'purchase') AS purchase,
    -- PostgreSQL has no min(uuid), so compare the least and the greatest 64-bit hash instead.
    min(uuid_hash_extended(user_id, 0)) <> max(uuid_hash_extended(user_id, 0)) AS has_several_customers
FROM events
GROUP BY session_id
