-- Shopify's order export: one row per item in the view `lines`; the order's own fields are only in its first row.

-- name: countries
-- The country codes that occur.
SELECT DISTINCT unnest([shipping_country, billing_country]) AS code FROM lines ORDER BY code

-- name: renamed
-- Table of the rows whose order has a name that an earlier order has too, such as an order that replaces a draft: their
-- name with the Id of their order, which only its first row has.
CREATE TABLE renamed AS
WITH heads AS (
    SELECT line, name, id, created_at FROM all_lines WHERE subtotal IS NOT NULL AND id IS NOT NULL
),

shared AS (
    SELECT name, min_by(id, row(created_at, line)) AS first_id
    FROM heads
    GROUP BY name
    HAVING count(DISTINCT id) > 1
),

owned AS (
    SELECT line, name, first_id, last_value(id IGNORE NULLS) OVER (PARTITION BY name ORDER BY line) AS id
    FROM all_lines
    JOIN shared USING (name)
)

SELECT line, format('{} ({})', name, id) AS name FROM owned WHERE id <> first_id

-- name: order_rows
-- View of the usable rows, with a name of its own for each order.
CREATE VIEW order_rows AS
SELECT lines.* REPLACE (coalesce(renamed.name, lines.name) AS name) FROM lines LEFT JOIN renamed USING (line)

-- name: head_lacks
-- Rejects first rows of orders that lack a required field of the order.
INSERT INTO removed_lines BY NAME
WITH heads AS (
    SELECT
        line,
        CASE
            WHEN created_at IS NULL THEN 'created_at'
            WHEN financial_status IS NULL THEN 'financial_status'
            WHEN currency IS NULL THEN 'currency'
        END AS field
    FROM order_rows
    WHERE subtotal IS NOT NULL
)

SELECT
    line, field, 'missing' AS rule, '' AS value, 'empty in the first row of an order; fill it in' AS reason
FROM heads
WHERE field IS NOT NULL

-- name: second_head
-- Rejects further first rows of an order: it is in the file twice, or two orders share a name without an Id.
INSERT INTO removed_lines BY NAME
WITH heads AS (
    SELECT line, name, id, first_value({'line': line, 'id': id}) OVER (PARTITION BY name ORDER BY line) AS first
    FROM order_rows
    WHERE subtotal IS NOT NULL
)

SELECT
    line, 'name' AS field, 'duplicate_of_line_n' AS rule, name AS value,
    line_words('lines', first.line) || if(
        id = first.id,
        ' already begins this order; remove the older rows of it',
        ' already begins an order of this name; export with the column Id, or give one of them another name'
    ) AS reason
FROM heads
WHERE line > first.line

-- name: discount_exceeds_price
-- Rejects rows whose discount is larger than quantity x price.
INSERT INTO removed_lines BY NAME
SELECT
    line, 'item_discount' AS field, 'discount_exceeds_price' AS rule, amount_text(item_discount) AS value,
    format('expected at most quantity x price, {}', amount_text(quantity * item_price)) AS reason
FROM order_rows
WHERE item_discount > shop_amount(quantity * item_price)

-- name: incomplete_order
-- Rejects the remaining rows of orders that miss a row: a rejected one, or the first one with the order's own fields.
-- A rejected row without a readable name belongs to the order of the row before it.
INSERT INTO removed_lines BY NAME
WITH placed AS (
    SELECT line, coalesce(renamed.name, all_lines.name, last_value(all_lines.name IGNORE NULLS) OVER (ORDER BY line)) AS name
    FROM all_lines
    LEFT JOIN renamed USING (line)
),

causes AS (
    SELECT placed.name, min_by(rejected_lines.cause, line) AS cause
    FROM rejected_lines
    JOIN placed USING (line)
    GROUP BY placed.name
),

headed AS (
    SELECT DISTINCT name FROM order_rows WHERE subtotal IS NOT NULL
)

SELECT
    order_rows.line, 'name' AS field, 'incomplete_order' AS rule, order_rows.name AS value,
    coalesce(
        'another row of this order: ' || causes.cause, 'no row of this order has its subtotal; export it again'
    ) AS reason,
    causes.cause IS NOT NULL AS rejected_with_parent
FROM order_rows
LEFT JOIN causes USING (name)
LEFT JOIN headed USING (name)
WHERE causes.cause IS NOT NULL OR headed.name IS NULL

-- name: subtotal_differs
-- Rejects first rows of orders whose subtotal is larger than the sum of their rows.
INSERT INTO removed_lines BY NAME
WITH orders AS (
    SELECT
        min(line) FILTER (WHERE subtotal IS NOT NULL) AS line,
        max(subtotal) AS subtotal,
        sum(shop_amount(quantity * item_price) - coalesce(item_discount, 0)) AS total
    FROM order_rows
    GROUP BY name
)

SELECT
    line, 'subtotal' AS field, 'total_differs' AS rule, amount_text(subtotal) AS value,
    format('the rows of the order sum to {} after discounts; check for a missing row', amount_text(total)) AS reason
FROM orders
WHERE subtotal > total

-- name: phone_of
-- A telephone number in one spelling: '01711 000001 and +880 1711-000001 of the same country are equal. NULL for other texts.
-- A number is international if it begins with + or 00, or with the country's prefix before at least nine digits more.
CREATE MACRO digits_of(phone) AS ltrim(regexp_replace(phone, '[^0-9]', '', 'g'), '0');
CREATE MACRO has_prefix(phone, prefix) AS
    starts_with(digits_of(phone), prefix)
    AND (
        regexp_matches(phone, '^[^0-9+]*([+]|00)')
        OR (length(digits_of(phone)) - length(prefix) >= 9 AND NOT regexp_matches(phone, '^[^0-9]*0'))
    );
CREATE MACRO phone_of(phone, prefix) AS CASE
    WHEN NOT regexp_full_match(phone, '[''+0-9 ()./-]+') OR length(digits_of(phone)) < 7 THEN NULL
    WHEN has_prefix(phone, prefix) THEN prefix || ltrim(digits_of(phone)[length(prefix) + 1:], '0')
    WHEN regexp_matches(phone, '^[^0-9+]*([+]|00)') THEN digits_of(phone)
    ELSE coalesce(prefix, '') || digits_of(phone)
END

-- name: customers
-- View of each order's customer: the e-mail address, else the telephone number, else a guest of its own.
CREATE VIEW customers AS
WITH orders AS (
    SELECT
        name,
        min(line) FILTER (WHERE subtotal IS NOT NULL) AS line,
        min_by(email, line) AS email,
        min_by(phone, line) AS phone,
        min_by(coalesce(shipping_country, billing_country), line) AS country
    FROM order_rows
    GROUP BY name
)

SELECT
    name, line, email,
    phone_of(phone, calling_codes.prefix) AS number,
    coalesce(lower(email), 'phone ' || number, 'order ' || name) AS customer,
    email IS NULL AND number IS NULL AS is_guest
FROM orders
LEFT JOIN calling_codes USING (country)

-- name: orders_placed
-- Table of the orders: their first row with its customer and status, and the home that it gives the customer. Orders are
-- compared by `placed`, as in the database when they are appended, and never by their place in the file.
CREATE TABLE orders_placed AS
SELECT
    order_rows.* EXCLUDE (email),
    customers.* EXCLUDE (name, line),
    key_of('order', order_rows.name) AS order_id,
    coalesce(shipping_country, billing_country) AS country,
    coalesce(shipping_city, billing_city) AS city,
    row(created_at, order_id) AS placed,
    row(country IS NOT NULL, placed) AS homed,
    CASE
        WHEN cancelled_at IS NOT NULL OR financial_status = 'voided' THEN 'cancelled'
        WHEN financial_status = 'refunded' THEN 'refunded'
        WHEN financial_status IN ('paid', 'partially_refunded') THEN 'completed'
        WHEN fulfillment_status = 'fulfilled' THEN 'shipped'
        ELSE 'pending'
    END AS status
FROM customers
JOIN order_rows USING (line)

-- name: refunded
-- View of the refunds, at most one per order: the subtotal of cancelled and refunded orders, of others the refunded
-- amount as far as the subtotal covers it. Only cancellations have a date in the file; the others get their order's.
CREATE VIEW refunded AS
SELECT
    line,
    name,
    customer,
    greatest(created_at, cancelled_at) AS refund_date,
    cancelled_at IS NULL OR cancelled_at < created_at AS is_undated,
    status IN ('cancelled', 'refunded') AS is_whole,
    if(status = 'cancelled', 'cancellation', 'refund') AS kind,
    if(is_whole, subtotal, least(coalesce(refunded_amount, 0), subtotal)) AS amount
FROM orders_placed
WHERE amount > 0

-- name: unexplained_rows
-- Rows with an amount of the orders whose rows exceed the subtotal by more than the discounts, with the sums that rows
-- which are not goods may have: the excess that no discount explains, and what was paid on top of goods, shipping and
-- taxes. Such rows are marked by their status or name. Without the discounts only marked rows are examined.
WITH sums AS (
    SELECT
        name,
        max(subtotal) AS subtotal,
        max(discount_amount) AS discounts,
        max(total) - max(subtotal) - coalesce(max(shipping), 0) - coalesce(max(duties), 0) AS on_top,
        coalesce(max(taxes), 0) AS taxes,
        sum(shop_amount(quantity * item_price)) AS gross,
        sum(coalesce(item_discount, 0)) AS item_discounts,
        count(*) AS rows_of_order
    FROM order_rows
    GROUP BY name
    HAVING gross - item_discounts > max(subtotal)
),

orders AS (
    SELECT
        name,
        rows_of_order,
        gross - item_discounts - subtotal AS excess,
        if(discounts IS NULL, NULL, excess - greatest(discounts - item_discounts, 0)) AS unexplained,
        list_filter(
            [unexplained, on_top - taxes, on_top, if(discounts IS NULL, excess, NULL)],
            lambda amount: amount > 0 AND amount <= excess
        ) AS targets
    FROM sums
    WHERE unexplained IS DISTINCT FROM 0
),

candidates AS (
    SELECT
        orders.*,
        order_rows.line,
        coalesce(order_rows.item_sku, order_rows.item_name) AS product,
        order_rows.quantity,
        shop_amount(order_rows.quantity * order_rows.item_price) - coalesce(order_rows.item_discount, 0) AS amount,
        coalesce(order_rows.item_fulfillment_status = 'not_eligible', false)
        OR regexp_matches(order_rows.item_name, '(?i)^(tip|gratuity)$|gift ?card') AS is_marked
    FROM orders
    JOIN order_rows USING (name)
)

SELECT * REPLACE (if(unexplained > 0, unexplained, NULL) AS unexplained)
FROM candidates
WHERE amount > 0
QUALIFY unexplained > 0 OR bool_or(is_marked) OVER (PARTITION BY name)
ORDER BY name, product, quantity, amount, line

-- name: goods
-- View of the rows that sell: all except tips and the like, and rows removed from their order.
CREATE VIEW goods AS FROM order_rows ANTI JOIN not_goods USING (line)

-- name: priced
-- Table of the rows with the amount paid, in the smallest units of the currency, and the price per unit that follows. The
-- discount of a whole order, which is the sum of its rows less its subtotal, is spread over its rows by cost; cumulative
-- rounding keeps the sum exact.
CREATE TABLE priced AS
WITH costs AS (
    SELECT
        goods.line, name, goods.quantity, goods.item_price, coalesce(goods.item_sku, goods.item_name) AS product,
        smallest_units(goods.quantity * goods.item_price) AS undiscounted,
        undiscounted - smallest_units(coalesce(goods.item_discount, 0)) AS cost,
        smallest_units(orders_placed.subtotal) AS subtotal
    FROM goods
    JOIN orders_placed USING (name)
),

running AS (
    SELECT
        *,
        sum(cost) OVER (PARTITION BY name)::HUGEINT AS total,
        sum(cost) OVER (PARTITION BY name ORDER BY line)::HUGEINT AS up_to,
        row_number() OVER (PARTITION BY name, product ORDER BY line) - 1 AS repeat
    FROM costs
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

SELECT
    line, name, product, repeat, quantity AS units, item_price, discount, paid,
    if(paid = undiscounted, item_price, NULL) AS price
FROM spread

-- name: products
-- One row per SKU, or per name without a SKU: name and price of the latest sale above 0, if any.
WITH sold AS (
    SELECT
        coalesce(goods.item_sku, goods.item_name) AS product, goods.item_name, goods.item_price,
        row(goods.item_price > 0, orders_placed.placed, goods.line) AS sold
    FROM goods
    JOIN orders_placed USING (name)
)

SELECT
    key_of('product', product) AS product_id,
    max_by(item_name, sold) AS name,
    max_by(item_price, sold) AS price
FROM sold
GROUP BY product
ORDER BY product

-- name: users
-- One row per customer or guest: sign-up at the first order, name and home of the latest one with a country, if any.
-- A gap is filled from the latest order without it, that of the city only from one to the same country.
WITH latest AS (
    SELECT
        customer,
        max_by(email, homed) AS email,
        max_by(number, homed) AS number,
        bool_and(is_guest) AS is_guest,
        min(created_at)::DATE AS signup_date,
        min(line) AS line,
        min(name) AS order_name,
        max_by(billing_name, homed) AS billing_name,
        max_by(country, homed) AS country,
        min_by(source, placed) AS source
    FROM orders_placed
    GROUP BY customer
),

cities AS (
    SELECT orders_placed.customer, max_by(orders_placed.city, orders_placed.homed) AS city
    FROM orders_placed
    JOIN latest
        ON latest.customer = orders_placed.customer AND latest.country IS NOT DISTINCT FROM orders_placed.country
    GROUP BY orders_placed.customer
)

SELECT
    key_of('user', customer) AS user_id,
    coalesce(email, key_of('user', customer)::VARCHAR || '@no-email.invalid') AS email,
    coalesce(
        billing_name, if(is_guest, 'Guest of order ' || order_name, 'Customer ' || coalesce(lower(email), number))
    ) AS name,
    country AS country_code,
    country_names.name AS country,
    city,
    source AS acquisition_channel,
    signup_date,
    is_guest
FROM latest
LEFT JOIN cities USING (customer)
LEFT JOIN country_names ON country_names.code = latest.country
ORDER BY line

-- name: orders
-- One row per order, in the order of their first rows; the total is the subtotal: after discounts, without shipping.
-- Taxes that the prices include are not in the total on top of the subtotal.
SELECT
    order_id,
    key_of('user', customer) AS user_id,
    created_at AS order_date,
    status,
    subtotal AS total_amount,
    country AS shipping_country_code,
    city AS shipping_city,
    cancelled_at,
    shipping AS shipping_amount,
    if(
        total < subtotal + coalesce(shipping, 0) + coalesce(taxes + duties, taxes, duties),
        greatest(total - subtotal - coalesce(shipping, 0), 0),
        coalesce(taxes + duties, taxes, duties)
    ) AS tax_amount,
    discount_code
FROM orders_placed
ORDER BY line

-- name: order_items
-- One row per row of the file, or two, see `parts`.
SELECT
    key_of('item', concat_ws(chr(31), name, product, repeat, part)) AS order_item_id,
    key_of('order', name) AS order_id,
    key_of('product', product) AS product_id,
    part_units AS quantity,
    part_price AS price_at_time,
    item_price - part_price AS discount
FROM parts
ORDER BY line, part

-- name: refunds
-- One row per refund, in the order of their orders. The key is that of the order, so a later export replaces the row.
SELECT
    key_of('refund', name) AS refund_id,
    key_of('user', customer) AS user_id,
    key_of('order', name) AS order_id,
    refund_date,
    kind,
    amount
FROM refunded
ORDER BY line

-- name: notes
-- Decisions about rows that are loaded: source, field, note, cases.
WITH items AS (
    SELECT coalesce(item_sku, item_name) AS product, count(DISTINCT item_name) AS names, max(item_price) AS price
    FROM goods
    GROUP BY product
),

discounts AS (
    SELECT
        name,
        sum(shop_amount(goods.quantity * goods.item_price) - coalesce(goods.item_discount, 0)) - max(orders_placed.subtotal)
            AS spread,
        greatest(max(orders_placed.discount_amount) - sum(coalesce(goods.item_discount, 0)), 0) AS known
    FROM goods
    JOIN orders_placed USING (name)
    WHERE orders_placed.discount_amount IS NOT NULL
    GROUP BY name
),

-- One pass over each view: every mention of a view plans and runs all the views below it.
of_orders AS MATERIALIZED (
    SELECT
        count(*) AS orders,
        count(*) FILTER (total < subtotal + coalesce(shipping, 0) + taxes) AS including_taxes,
        count(*) FILTER (
            financial_status = 'partially_refunded' AND subtotal > 0 AND name NOT IN (SELECT name FROM refunded)
        ) AS unknown_refunds,
        count(DISTINCT name) FILTER (name IN (SELECT name FROM renamed)) AS renamed,
        count(*) FILTER (duties > 0) AS with_duties,
        count(*) FILTER (created_at >= $as_of::DATE) AS late
    FROM orders_placed
),

of_items AS MATERIALIZED (
    SELECT
        count(*) FILTER (price > 0) AS priced,
        count(*) FILTER (price = 0) AS free,
        count(*) FILTER (names > 1) AS of_several_names
    FROM items
),

of_parts AS MATERIALIZED (
    SELECT count(*) FILTER (dearer > 0 AND is_exact AND price IS NULL) AS exact, count(*) FILTER (part = 1) AS divided
    FROM parts
),

of_refunded AS MATERIALIZED (
    SELECT count(*) FILTER (NOT is_whole) AS partial, count(*) FILTER (is_undated) AS undated FROM refunded
),

of_customers AS MATERIALIZED (
    SELECT
        count(*) FILTER (is_guest) AS guests,
        count(*) FILTER (has_number) AS by_phone,
        count(*) FILTER (spellings > 1) AS respelled
    FROM (
        SELECT
            bool_or(is_guest) AS is_guest,
            bool_or(email IS NULL AND NOT is_guest) AS has_number,
            count(DISTINCT email) AS spellings
        FROM customers
        GROUP BY customer
    )
),

decisions (field, note, cases) AS (
    VALUES
        ('subtotal', 'orders: total_amount is the subtotal, after discounts, without shipping',
            (SELECT orders FROM of_orders)),
        ('subtotal', 'orders: a discount of the whole order, spread over its rows by cost',
            (SELECT count(DISTINCT name) FROM priced WHERE discount > 0)),
        ('discount_amount', 'orders: their rows exceed the subtotal by more than the discounts; spread as a discount',
            (SELECT count(*) FROM discounts WHERE spread > known)),
        ('taxes', 'orders: taxes that the prices include; not counted on top of them',
            (SELECT including_taxes FROM of_orders)),
        ('item_name', 'order_items: a row that is not in the subtotal, such as a tip or a removed row; not sold',
            (SELECT count(*) FROM not_goods)),
        ('item_price', 'order_items: the amount paid does not divide by the units; the price has six decimals',
            (SELECT exact FROM of_parts)),
        ('item_price', 'order_items: the amount paid does not divide by the units; the row became two rows',
            (SELECT divided FROM of_parts)),
        ('item_price', 'products: list price unknown; the latest price above 0 is used',
            (SELECT priced FROM of_items)),
        ('item_price', 'products: never sold above 0; the list price is 0',
            (SELECT free FROM of_items)),
        ('item_name', 'products: several names; the latest is kept', (SELECT of_several_names FROM of_items)),
        ('refunded_amount', 'orders: partially refunded, amount unknown; counted in full',
            (SELECT unknown_refunds FROM of_orders)),
        ('refunded_amount',
            'refunds: the refunded amount, as far as the subtotal covers it; it may include shipping and taxes',
            (SELECT partial FROM of_refunded)),
        ('id', 'orders: of a name that an earlier order has; the Id tells them apart',
            (SELECT renamed FROM of_orders)),
        ('duties', 'orders: duties; added to the taxes', (SELECT with_duties FROM of_orders)),
        ('cancelled_at', 'refunds: date unknown; that of the order is used',
            (SELECT undated FROM of_refunded)),
        ('email', 'orders: no e-mail and no telephone number; each gets a guest of its own',
            (SELECT guests FROM of_customers)),
        ('phone', 'users: no e-mail; identified by the telephone number, in one spelling',
            (SELECT by_phone FROM of_customers)),
        ('email', 'users: an address in several spellings; the latest is kept',
            (SELECT respelled FROM of_customers)),
        ('created_at', 'orders: on or after as_of; loaded, not reported',
            (SELECT late FROM of_orders))
)

SELECT 'lines' AS source, field, note, cases FROM decisions
