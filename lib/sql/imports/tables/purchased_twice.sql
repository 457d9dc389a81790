-- Strikes purchase events of an order that an earlier line has as purchased.
INSERT INTO struck_events
SELECT
    line, 'order_id' AS field, 'purchased_twice' AS rule, order_id::VARCHAR AS value,
    format('line {{}} is the purchase of this order already', first_value(line) OVER orders) AS reason,
    false AS fallen
FROM events
WHERE event_type = 'purchase'
WINDOW orders AS (PARTITION BY order_id ORDER BY line)
QUALIFY row_number() OVER orders > 1
