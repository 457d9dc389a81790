-- One row per visit (session_id): the first instant of each step, and whether its events have several customers.
SELECT
    session_id,
    min(event_timestamp) AS begun,
    max(event_timestamp) AS ended,
    min(event_timestamp) FILTER (WHERE event_type = 'session_start') AS started,
    min(event_timestamp) FILTER (WHERE event_type = 'product_view') AS viewed,
    min(event_timestamp) FILTER (WHERE event_type = 'add_to_cart') AS carted,
    min(event_timestamp) FILTER (WHERE event_type = 'checkout') AS checked_out,
    min(event_timestamp) FILTER (WHERE event_type = 'purchase') AS purchased,
    -- PostgreSQL 18 has no min(uuid); the minimum of 64-bit hashes serves as well.
    min(uuid_hash_extended(user_id, 0)) <> max(uuid_hash_extended(user_id, 0)) AS shared
FROM events
GROUP BY session_id
