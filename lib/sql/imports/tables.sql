-- The workbook's own tables: one file per table, with the catalog's columns.

-- name: before_signup
-- Rejects rows of {source} before the shop's day on which their customer signed up.
INSERT INTO removed_{source} BY NAME
SELECT
    {source}.line, '{column}' AS field, 'before_signup' AS rule, {source}.{column}::VARCHAR AS value,
    format('its customer signed up on {}; correct this date or signup_date', users.signup_date) AS reason
FROM {source}
JOIN users USING (user_id)
WHERE {source}.{column}::DATE < users.signup_date

-- name: session_of_two_customers
-- Rejects events whose session belongs to another customer in an earlier row; rows without a customer fit any.
INSERT INTO removed_events BY NAME
WITH owners AS (
    SELECT session_id, min_by(user_id, line) AS user_id, min(line) AS line
    FROM events
    WHERE user_id IS NOT NULL
    GROUP BY session_id
    HAVING count(DISTINCT user_id) > 1
)

SELECT
    events.line, 'user_id' AS field, 'session_of_two_customers' AS rule, events.user_id::VARCHAR AS value,
    format('line {} has another customer in this session; expected one customer per session', owners.line) AS reason
FROM events
JOIN owners USING (session_id)
WHERE events.user_id <> owners.user_id

-- name: purchase_differs
-- Rejects purchase events that differ from their order in customer, time or total, or that name no order.
INSERT INTO removed_events BY NAME
WITH purchases AS (
    SELECT
        events.line,
        events.order_id,
        CASE
            WHEN events.order_id IS NULL THEN 'order_id'
            WHEN events.user_id <> orders.user_id THEN 'user_id'
            WHEN events.event_timestamp <> orders.order_date THEN 'event_timestamp'
            WHEN events.revenue IS DISTINCT FROM orders.total_amount THEN 'revenue'
        END AS field,
        orders.line AS order_line
    FROM events
    LEFT JOIN orders USING (order_id)
    WHERE events.event_type = 'purchase'
)

SELECT
    line, field, 'purchase_differs_from_order' AS rule, order_id::VARCHAR AS value,
    coalesce(
        format(
            'line {} of {} differs; expected the customer, the timestamp and the total of the order', order_line, file
        ),
        'a purchase without an order; expected its order_id'
    ) AS reason
FROM purchases
JOIN files ON files.source = 'orders'
WHERE field IS NOT NULL

-- name: purchased_twice
-- Rejects purchase events of an order that an earlier row has already.
INSERT INTO removed_events BY NAME
SELECT
    line, 'order_id' AS field, 'purchased_twice' AS rule, order_id::VARCHAR AS value,
    format('line {} is already the purchase of this order', first_value(line) OVER orders) AS reason
FROM events
WHERE event_type = 'purchase'
WINDOW orders AS (PARTITION BY order_id ORDER BY line)
QUALIFY row_number() OVER orders > 1

-- name: total_differs
-- Rejects orders whose total is not the sum over their usable items; the reason names a rejected item if there is one.
INSERT INTO removed_orders BY NAME
WITH items AS (
    SELECT order_id, sum(shop_amount(quantity * price_at_time)) AS total FROM order_items GROUP BY order_id
),

differing AS (
    SELECT orders.line, orders.order_id, orders.total_amount, items.total
    FROM orders
    LEFT JOIN items USING (order_id)
    WHERE items.total IS DISTINCT FROM orders.total_amount
),

causes AS (
    SELECT order_id, min_by(cause, line) AS cause
    FROM rejected_order_items
    WHERE order_id IN (SELECT order_id FROM differing)
    GROUP BY order_id
)

SELECT
    differing.line,
    'total_amount' AS field,
    CASE WHEN differing.total IS NULL THEN 'no_items' ELSE 'total_differs' END AS rule,
    amount_text(differing.total_amount) AS value,
    coalesce(
        format('the items sum to {}', amount_text(differing.total)),
        'no usable row of ' || file || ' belongs to this order'
    )
    || coalesce('; ' || causes.cause, '; expected the sum of quantity x price_at_time') AS reason,
    causes.cause IS NOT NULL AS rejected_with_parent
FROM differing
LEFT JOIN causes USING (order_id)
JOIN files ON files.source = 'order_items'

-- name: no_purchase
-- Rejects orders of customers without a purchase event, in a shop that has purchase events at all.
INSERT INTO removed_orders BY NAME
WITH unpurchased AS (
    SELECT orders.line, orders.order_id
    FROM orders
    ANTI JOIN (SELECT order_id FROM events WHERE event_type = 'purchase') USING (order_id)
    WHERE orders.user_id IS NOT NULL AND EXISTS (SELECT 1 FROM events WHERE event_type = 'purchase')
),

causes AS (
    SELECT order_id, min_by(cause, line) AS cause
    FROM rejected_events
    WHERE event_type = 'purchase' AND order_id IN (SELECT order_id FROM unpurchased)
    GROUP BY order_id
)

SELECT
    unpurchased.line, 'order_id' AS field, 'no_purchase_event' AS rule, unpurchased.order_id::VARCHAR AS value,
    coalesce(
        causes.cause, 'no purchase event of this order; add it to ' || file || ', or leave that file out'
    ) AS reason,
    causes.cause IS NOT NULL AS rejected_with_parent
FROM unpurchased
LEFT JOIN causes USING (order_id)
JOIN files ON files.source = 'events'

-- name: refunds_of_orders
-- View of the refunds with their order: the one named, or that of the item; and with the date and the customer that an
-- empty cell stands for.
CREATE VIEW refunds_of_orders AS
SELECT
    refunds.*,
    orders.order_id AS own_order_id,
    orders.line AS order_line,
    orders.user_id AS order_user_id,
    orders.order_date,
    orders.total_amount,
    items.order_id AS item_order_id,
    coalesce(refunds.refund_date, greatest(orders.order_date, orders.cancelled_at)) AS own_date
FROM refunds
LEFT JOIN order_items AS items USING (order_item_id)
LEFT JOIN orders ON orders.order_id = coalesce(refunds.order_id, items.order_id)

-- name: refund_contradicts
-- Rejects refunds without a date or a customer of their own or of an order, and those that differ from their order.
INSERT INTO removed_refunds BY NAME
WITH faults AS (
    SELECT
        *,
        CASE
            WHEN own_date IS NULL THEN 'refund_date'
            WHEN own_order_id IS NULL AND user_id IS NULL THEN 'user_id'
            WHEN order_id <> item_order_id THEN 'order_item_id'
            WHEN own_order_id IS NOT NULL AND user_id IS NOT NULL AND user_id IS DISTINCT FROM order_user_id
                THEN 'user_id'
            WHEN own_date < order_date THEN 'refund_date'
        END AS field
    FROM refunds_of_orders
)

SELECT
    faults.line,
    field,
    CASE
        WHEN faults.own_date IS NULL OR (faults.own_order_id IS NULL AND field = 'user_id') THEN 'missing'
        WHEN field = 'order_item_id' THEN 'item_of_another_order'
        WHEN field = 'user_id' THEN 'customer_differs'
        ELSE 'before_order'
    END AS rule,
    CASE field
        WHEN 'user_id' THEN coalesce(faults.user_id::VARCHAR, '')
        WHEN 'order_item_id' THEN faults.order_item_id::VARCHAR
        ELSE coalesce(faults.refund_date::VARCHAR, '')
    END AS value,
    CASE rule
        WHEN 'missing' THEN 'a refund without an order needs a date and a customer; fill it in, or name the order'
        WHEN 'item_of_another_order' THEN
            format('the item belongs to order {}; correct order_id or order_item_id', faults.item_order_id::VARCHAR)
        WHEN 'customer_differs' THEN
            format('line {} of {} has another customer; expected that of the order, or an empty cell', order_line, file)
        ELSE format('its order was placed at {}; correct this date, or that of the order', order_date::VARCHAR)
    END AS reason
FROM faults
JOIN files ON files.source = 'orders'
WHERE field IS NOT NULL

-- name: refund_exceeds_order
-- Rejects refunds above the total of their order, and those from which on the refunds of an order exceed it.
INSERT INTO removed_refunds BY NAME
WITH running AS (
    SELECT
        line, amount, total_amount,
        sum(amount) FILTER (WHERE amount <= total_amount) OVER (PARTITION BY own_order_id ORDER BY line) AS up_to
    FROM refunds_of_orders
    WHERE own_order_id IS NOT NULL
)

SELECT
    line, 'amount' AS field, 'exceeds_order' AS rule, amount_text(amount) AS value,
    CASE
        WHEN amount > total_amount
            THEN format('expected at most the total of its order, {}', amount_text(total_amount))
        ELSE format(
            'the refunds of its order sum to {} with this one; expected at most its total, {}',
            amount_text(up_to), amount_text(total_amount)
        )
    END || '; correct the amount, without shipping and taxes, or remove the row' AS reason
FROM running
WHERE amount > total_amount OR up_to > total_amount

-- name: refunds_missing
-- View of what the refunds of cancelled and refunded orders lack up to the total.
CREATE VIEW refunds_missing AS
WITH refunded AS (
    SELECT own_order_id AS order_id, sum(amount) AS amount FROM refunds_of_orders GROUP BY own_order_id
)

SELECT
    orders.*,
    greatest(orders.order_date, orders.cancelled_at) AS refund_date,
    orders.cancelled_at IS NULL OR orders.cancelled_at < orders.order_date AS is_undated,
    if(orders.status = 'cancelled', 'cancellation', 'refund') AS kind,
    orders.total_amount - coalesce(refunded.amount, 0) AS amount
FROM orders
LEFT JOIN refunded USING (order_id)
WHERE orders.status IN ('cancelled', 'refunded') AND orders.total_amount > coalesce(refunded.amount, 0)

-- name: marketing_campaigns
-- Campaigns in the order of the file.
SELECT * EXCLUDE (line) REPLACE (key_of('campaign', campaign_id) AS campaign_id) FROM marketing_campaigns ORDER BY line

-- name: users
-- Customers in the order of the file, then a guest for each order without a customer, who signs up with it.
WITH customers AS (
    SELECT
        * REPLACE (
            key_of('user', user_id) AS user_id, key_of('campaign', campaign_id) AS campaign_id,
            coalesce(is_guest, false) AS is_guest
        ),
        false AS added
    FROM users
),

guests AS (
    SELECT
        line,
        text_key('guest', order_id::VARCHAR) AS user_id,
        text_key('guest', order_id::VARCHAR)::VARCHAR || '@no-email.invalid' AS email,
        'Guest of order ' || order_id AS name,
        shipping_country_code AS country_code,
        order_date::DATE AS signup_date,
        true AS is_guest,
        true AS added
    FROM orders
    WHERE orders.user_id IS NULL
)

SELECT * EXCLUDE (line, added)
FROM (FROM customers UNION ALL BY NAME FROM guests)
ORDER BY added, line

-- name: products
-- Products in the order of the file.
SELECT * EXCLUDE (line) REPLACE (key_of('product', product_id) AS product_id) FROM products ORDER BY line

-- name: orders
-- Orders in the order of the file.
SELECT
    * EXCLUDE (line) REPLACE (
        key_of('order', order_id) AS order_id,
        coalesce(key_of('user', user_id), text_key('guest', order_id::VARCHAR)) AS user_id,
        key_of('campaign', campaign_id) AS campaign_id
    )
FROM orders
ORDER BY line

-- name: order_items
-- Items in the order of the file.
SELECT
    * EXCLUDE (line) REPLACE (
        key_of('item', order_item_id) AS order_item_id, key_of('order', order_id) AS order_id,
        key_of('product', product_id) AS product_id
    )
FROM order_items
ORDER BY line

-- name: refunds
-- Refunds in the order of the file, then what those of cancelled and refunded orders lack up to the total.
WITH all_refunds AS (
    SELECT
        line, false AS added, key_of('refund', refund_id) AS refund_id,
        coalesce(user_id, order_user_id) AS customer, own_order_id AS of_order,
        key_of('item', order_item_id) AS order_item_id, key_of('product', product_id) AS product_id,
        own_date AS refund_date, kind, quantity, amount
    FROM refunds_of_orders
    UNION ALL BY NAME
    SELECT
        line, true AS added, added_refund_key(key_of('order', order_id)) AS refund_id,
        user_id AS customer, order_id AS of_order, refund_date, kind, amount
    FROM refunds_missing
)

SELECT
    refund_id,
    coalesce(key_of('user', customer), text_key('guest', of_order::VARCHAR)) AS user_id,
    key_of('order', of_order) AS order_id,
    order_item_id, product_id, refund_date, kind, quantity, amount
FROM all_refunds
ORDER BY added, line

-- name: events
-- Events in the order of the file.
SELECT
    * EXCLUDE (line) REPLACE (
        key_of('event', event_id) AS event_id, key_of('user', user_id) AS user_id,
        key_of('session', session_id) AS session_id, key_of('product', product_id) AS product_id,
        key_of('order', order_id) AS order_id
    )
FROM events
ORDER BY line

-- name: notes
-- Notes about rows that are loaded: source, field, note, cases.
SELECT
    'orders' AS source, 'order_date' AS field, 'orders: on or after as_of; loaded, not reported' AS note,
    count(*) AS cases
FROM orders
WHERE order_date >= $as_of::DATE
UNION ALL
SELECT
    'orders' AS source, 'user_id' AS field, 'orders: no customer; each gets a guest of its own' AS note,
    count(*) AS cases
FROM orders
WHERE user_id IS NULL
UNION ALL
SELECT
    'events' AS source, 'user_id' AS field,
    'events: no customer; they count in sessions and conversion, and for no customer' AS note, count(*) AS cases
FROM events
WHERE user_id IS NULL
UNION ALL
SELECT
    'orders' AS source, 'status' AS field,
    'refunds: added for a cancelled or refunded order whose refunds are below its total' AS note, count(*) AS cases
FROM refunds_missing
UNION ALL
SELECT
    'orders' AS source, 'cancelled_at' AS field, 'refunds: date unknown; that of the order is used' AS note,
    count(*) AS cases
FROM refunds_missing
WHERE is_undated
UNION ALL
SELECT
    'refunds' AS source, 'refund_date' AS field,
    'refunds: date unknown; that of the cancellation or the order is used' AS note, count(*) AS cases
FROM refunds_of_orders
WHERE refund_date IS NULL
ORDER BY source, field, note
