-- Shopify's order export: which rows are rejected, and the tables that follow from the others.

-- name: head_lacks
-- Rejects the first rows of orders that lack a value of the order: date, financial status or currency.
INSERT INTO excluded_lines
WITH heads AS (
    SELECT
        line,
        CASE
            WHEN created_at IS NULL THEN 'created_at'
            WHEN financial_status IS NULL THEN 'financial_status'
            WHEN currency IS NULL THEN 'currency'
        END AS field
    FROM lines
    WHERE subtotal IS NOT NULL
)

SELECT
    line, field, 'missing' AS rule, '' AS value,
    'the first line of an order needs a value here; fill it in' AS reason, false AS rejected_with_parent
FROM heads
WHERE field IS NOT NULL

-- name: other_currency
-- Rejects the first rows of orders in another currency than the shop's: amounts are not converted.
INSERT INTO excluded_lines
SELECT
    line, 'currency' AS field, 'other_currency' AS rule, currency AS value,
    format('expected {}, the parameter currency; amounts are not converted', $currency) AS reason,
    false AS rejected_with_parent
FROM lines
WHERE subtotal IS NOT NULL AND currency <> $currency

-- name: second_head
-- Rejects further first rows of an order: two orders with one name, whose other rows cannot be distinguished.
INSERT INTO excluded_lines
SELECT
    line, 'name' AS field, 'duplicate_of_line_n' AS rule, name AS value,
    format('line {} starts an order with the same name; rename one of them', first_value(line) OVER orders) AS reason,
    false AS rejected_with_parent
FROM lines
WHERE subtotal IS NOT NULL
WINDOW orders AS (PARTITION BY name ORDER BY line)
QUALIFY row_number() OVER orders > 1

-- name: discount_exceeds_price
-- Rejects rows whose discount exceeds quantity x price.
INSERT INTO excluded_lines
SELECT
    line, 'item_discount' AS field, 'discount_exceeds_price' AS rule, item_discount::VARCHAR AS value,
    format('expected at most quantity x price, {}', (quantity * item_price)::VARCHAR) AS reason,
    false AS rejected_with_parent
FROM lines
WHERE item_discount > quantity * item_price

-- name: no_list_price
-- Rejects rows of products without any price above zero, which a list price has to be.
INSERT INTO excluded_lines
SELECT
    line, 'item_price' AS field, 'not_positive' AS rule, item_price::VARCHAR AS value,
    'no line of this product has a price above 0; enter its list price, and the difference as discount' AS reason,
    false AS rejected_with_parent
FROM lines
QUALIFY max(item_price) OVER (PARTITION BY coalesce(item_sku, item_name)) = 0

-- name: incomplete_order
-- Rejects the rows of orders that miss a row: a rejected one, or the first one, which has the values of the order.
-- A rejected row without a readable name belongs to the order of the row before it.
INSERT INTO excluded_lines
WITH placed AS (
    SELECT line, coalesce(name, last_value(name IGNORE NULLS) OVER (ORDER BY line)) AS name FROM all_lines
),

causes AS (
    SELECT placed.name, min_by(rejected_lines.cause, line) AS cause
    FROM rejected_lines
    JOIN placed USING (line)
    GROUP BY placed.name
),

headed AS (
    SELECT DISTINCT name FROM lines WHERE subtotal IS NOT NULL
)

SELECT
    lines.line, 'name' AS field, 'incomplete_order' AS rule, lines.name AS value,
    coalesce('another line of this order: ' || causes.cause, 'no line of this order has a Subtotal; export the order again') AS reason,
    causes.cause IS NOT NULL AS rejected_with_parent
FROM lines
LEFT JOIN causes USING (name)
LEFT JOIN headed USING (name)
WHERE causes.cause IS NOT NULL OR headed.name IS NULL

-- name: subtotal_differs
-- Rejects the first rows of orders whose subtotal exceeds the sum of their rows.
INSERT INTO excluded_lines
WITH orders AS (
    SELECT
        min(line) FILTER (WHERE subtotal IS NOT NULL) AS line,
        max(subtotal) AS subtotal,
        sum(quantity * item_price - coalesce(item_discount, 0)) AS total
    FROM lines
    GROUP BY name
)

SELECT
    line, 'subtotal' AS field, 'total_differs' AS rule, subtotal::VARCHAR AS value,
    format('the lines of the order sum to {} after discounts; check for a missing line', total::VARCHAR) AS reason,
    false AS rejected_with_parent
FROM orders
WHERE subtotal > total

-- name: countries
-- The country codes that occur.
SELECT DISTINCT unnest([shipping_country, billing_country]) AS code FROM lines ORDER BY code

-- name: customers
-- A view of the customer of each order, identified by e-mail address; an order without one has a separate customer.
CREATE VIEW customers AS
SELECT
    name,
    min(line) FILTER (WHERE subtotal IS NOT NULL) AS line,
    min_by(email, line) AS email,
    coalesce(lower(min_by(email, line)), 'order ' || name) AS customer
FROM lines
GROUP BY name

-- name: priced
-- A view of the rows with the amount paid in cents: the discount of the whole order, which is the difference between its
-- rows and its subtotal, is spread over the rows in proportion to their amounts, remainders by cumulative rounding.
CREATE VIEW priced AS
WITH cents AS (
    SELECT
        line, name, quantity, item_price, coalesce(item_sku, item_name) AS product,
        ((quantity * item_price - coalesce(item_discount, 0)) * 100)::HUGEINT AS cost,
        (max(subtotal) OVER (PARTITION BY name) * 100)::HUGEINT AS subtotal
    FROM lines
),

running AS (
    SELECT
        *,
        sum(cost) OVER (PARTITION BY name)::HUGEINT AS total,
        sum(cost) OVER (PARTITION BY name ORDER BY line)::HUGEINT AS up_to,
        row_number() OVER (PARTITION BY name, product ORDER BY line) - 1 AS repeat
    FROM cents
),

spread AS (
    SELECT
        *,
        total - subtotal AS discount,
        cost - (
            coalesce((total - subtotal) * up_to // nullif(total, 0), 0)
            - coalesce((total - subtotal) * (up_to - cost) // nullif(total, 0), 0)
        ) AS paid
    FROM running
)

SELECT line, name, product, repeat, quantity, item_price, discount, paid // quantity AS each, paid % quantity AS dearer
FROM spread

-- name: products
-- One product per SKU, or per name without one: its latest name, and its latest price above zero.
WITH sold AS (
    SELECT
        coalesce(lines.item_sku, lines.item_name) AS product, lines.item_name, lines.item_price, lines.line,
        heads.created_at
    FROM lines
    JOIN customers USING (name)
    JOIN lines AS heads ON heads.line = customers.line
)

SELECT
    key_of('product', product) AS product_id,
    max_by(item_name, row(created_at, line)) AS name,
    max_by(item_price, row(created_at, line)) FILTER (WHERE item_price > 0) AS price
FROM sold
GROUP BY product
ORDER BY product

-- name: users
-- One customer per address: signed up with the first order, name and country of the latest order.
WITH placed AS (
    SELECT
        customers.customer,
        customers.email,
        lines.*
    FROM customers
    JOIN lines USING (line)
),

latest AS (
    SELECT
        customer,
        min_by(email, line) AS email,
        min(created_at)::DATE AS signup_date,
        min(line) AS line,
        min_by(name, line) AS first_order,
        max_by(billing_name, row(created_at, line)) AS billing_name,
        max(row(created_at, line, coalesce(shipping_country, billing_country), coalesce(shipping_city, billing_city))) AS home
    FROM placed
    GROUP BY customer
)

SELECT
    key_of('user', customer) AS user_id,
    coalesce(email, key_of('user', customer)::VARCHAR || '@no-email.invalid') AS email,
    coalesce(billing_name, 'Customer of order ' || first_order) AS name,
    home[3] AS country_code,
    country_names.name AS country,
    home[4] AS city,
    signup_date
FROM latest
LEFT JOIN country_names ON country_names.code = latest.home[3]
ORDER BY line

-- name: orders
-- One order per name, in the order of the first rows; its total is the subtotal: after discounts, without shipping.
SELECT
    key_of('order', lines.name) AS order_id,
    key_of('user', customers.customer) AS user_id,
    lines.created_at AS order_date,
    CASE
        WHEN lines.cancelled_at IS NOT NULL OR lines.financial_status = 'voided' THEN 'cancelled'
        WHEN lines.financial_status = 'refunded' THEN 'refunded'
        WHEN lines.financial_status IN ('paid', 'partially_refunded') THEN 'completed'
        WHEN lines.fulfillment_status = 'fulfilled' THEN 'shipped'
        ELSE 'pending'
    END AS status,
    lines.subtotal AS total_amount,
    coalesce(lines.shipping_country, lines.billing_country) AS shipping_country_code,
    coalesce(lines.shipping_city, lines.billing_city) AS shipping_city
FROM customers
JOIN lines USING (line)
ORDER BY line

-- name: order_items
-- One item per row, or two a cent apart where the amount paid is not divisible by the units.
WITH parts AS (
    SELECT *, 0 AS part, quantity - dearer AS units, each AS cents FROM priced
    UNION ALL
    SELECT *, 1 AS part, dearer AS units, each + 1 AS cents FROM priced WHERE dearer > 0
)

SELECT
    key_of('item', concat_ws(chr(31), name, product, repeat, part)) AS order_item_id,
    key_of('order', name) AS order_id,
    key_of('product', product) AS product_id,
    units::INTEGER AS quantity,
    (cents * 0.01)::DECIMAL(12, 2) AS price_at_time,
    (item_price - cents * 0.01)::DECIMAL(12, 2) AS discount
FROM parts
ORDER BY line, part

-- name: notes
-- Decisions of the import: field, decision in words, cases.
WITH orders AS (
    SELECT * FROM lines WHERE subtotal IS NOT NULL
),

items AS (
    SELECT coalesce(item_sku, item_name) AS product, count(DISTINCT item_name) AS names FROM lines GROUP BY product
),

decisions AS (
    SELECT
        unnest([
            row('subtotal', 'orders: total_amount is the subtotal, after discounts, without shipping',
                (SELECT count(*) FROM orders)),
            row('subtotal', 'orders: a discount of the whole order, spread over its lines by what they cost',
                (SELECT count(DISTINCT name) FROM priced WHERE discount > 0)),
            row('item_price', 'order_items: what was paid does not divide by the units; two rows a cent apart',
                (SELECT count(*) FROM priced WHERE dearer > 0)),
            row('item_price', 'products: list price unknown; the latest price above 0 stands in',
                (SELECT count(*) FROM items)),
            row('item_name', 'products: several names; the latest is kept', (SELECT count(*) FROM items WHERE names > 1)),
            row('financial_status', 'orders: partially refunded; counted in full',
                (SELECT count(*) FROM orders WHERE financial_status = 'partially_refunded')),
            row('email', 'users: an order without e-mail has a separate customer with an unreachable placeholder',
                (SELECT count(*) FROM customers WHERE email IS NULL)),
            row('email', 'users: an address in several spellings; the first is kept',
                (SELECT count(*) FROM (SELECT customer FROM customers GROUP BY customer HAVING count(DISTINCT email) > 1))),
            row('created_at', 'orders: on or after as_of; loaded, not reported',
                (SELECT count(*) FROM orders WHERE created_at >= $as_of::DATE))
        ]) AS decision
)

SELECT 'lines' AS source, decision[1] AS field, decision[2] AS note, decision[3] AS cases FROM decisions
