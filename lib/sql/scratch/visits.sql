-- One row per visit (session_id): the first instant of each of its steps, and whether its events name several customers.
SELECT
    session_id,
    min(event_timestamp) AS begun,
    max(event_timestamp) AS ended,
    min(event_timestamp) FILTER (WHERE event_type = 'session_start') AS started,
    min(event_timestamp) FILTER (WHERE event_type = 'product_view') AS viewed,
    min(event_timestamp) FILTER (WHERE event_type = 'add_to_cart') AS carted,
    min(event_timestamp) FILTER (WHERE event_type = 'checkout') AS checked_out,
    min(event_timestamp) FILTER (WHERE event_type = 'purchase') AS purchased,
    -- No least uuid before PostgreSQL 18's successor: that of 64-bit hashes tells as much.
    min(uuid_hash_extended(user_id, 0)) <> max(uuid_hash_extended(user_id, 0)) AS shared
FROM events
GROUP BY session_id
