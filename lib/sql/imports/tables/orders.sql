-- The rows of orders in the order of the file.
SELECT
    * EXCLUDE (line) REPLACE (
        key_of('order', order_id) AS order_id, key_of('user', user_id) AS user_id, key_of('campaign', campaign_id) AS campaign_id
    )
FROM orders
ORDER BY line
