-- The rows of events in the order of the file.
SELECT
    * EXCLUDE (line) REPLACE (
        key_of('event', event_id) AS event_id, key_of('user', user_id) AS user_id, key_of('session', session_id) AS session_id,
        key_of('product', product_id) AS product_id, key_of('order', order_id) AS order_id
    )
FROM events
ORDER BY line
