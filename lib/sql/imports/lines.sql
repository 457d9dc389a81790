-- Any flat file with one row per order line, in the view `lines`; the view `settings` has one row.

-- name: mapped
-- The fields that have a column in the file.
SELECT field FROM columns WHERE source = 'lines' AND called <> ''

-- name: countries
-- The words for countries that occur.
SELECT DISTINCT country AS name FROM lines WHERE country IS NOT NULL ORDER BY name

-- name: status_words
-- The words for states that occur.
SELECT DISTINCT status AS word FROM lines WHERE status IS NOT NULL ORDER BY word

-- name: missing
-- A row that lacks what it needs, if there is one.
SELECT line FROM all_lines WHERE fault_rule = 'missing' LIMIT 1

-- name: totals_below
-- Drops the totals below the last sound row of a file: rows with a cell that begins with the word, and without an order or
-- date.
INSERT INTO removed_lines BY NAME
SELECT all_lines.line, NULL AS field, NULL AS rule, '' AS value, 'totals below the data; dropped' AS reason
FROM all_lines
JOIN (SELECT part_of(line) AS part, max(line) AS line FROM lines GROUP BY part) AS sound
    ON sound.part = part_of(all_lines.line) AND all_lines.line > sound.line
WHERE
    fault_rule = 'missing'
    AND regexp_matches(
        raw_line, '(?i)(^|[,;|\t"])\s*(grand |sub)?(totals?|sum|summe|gesamt(summe)?|totaux|somme|suma)\b'
    )

-- name: figures
-- View of the rows with their amounts, positive in returns too. `listed` is quantity x price, `base` the amount that the
-- file gives, `reduction` the discount, and `expected` the base that follows from a price where the file has both.
CREATE MACRO share_of(amount, part, whole) AS shop_amount(unit_price(
    (smallest_units(amount) * (part * 1000000)::HUGEINT * 2 + (whole * 1000000)::HUGEINT)
    // ((whole * 1000000)::HUGEINT * 2), 1
));
CREATE VIEW figures AS
SELECT
    lines.* EXCLUDE (status, quantity),
    coalesce(quantity, 1) AS quantity,
    quantity IS NULL AS lacks_quantity,
    settings.*,
    coalesce(statuses.status, 'completed') AS status,
    has_status AND lines.status IS NULL AS lacks_status,
    coalesce(quantity, 1) > 0 AND coalesce(line_total, 0) >= 0 AS is_sale,
    shop_amount(abs(coalesce(quantity, 1)) * unit_price) AS listed,
    coalesce(shop_amount(abs(line_total)), listed) AS base,
    CASE
        WHEN discount IS NULL THEN 0
        WHEN NOT is_rate THEN shop_amount(abs(discount))
        WHEN NOT is_included THEN share_of(base, discount, whole)
        WHEN listed IS NOT NULL AND line_total IS NOT NULL THEN share_of(listed, discount, whole)
        WHEN discount < whole THEN share_of(base, discount, whole - discount)
        ELSE 0
    END AS reduction,
    if(line_total IS NULL, NULL, if(is_included, listed - reduction, listed)) AS expected
FROM lines
LEFT JOIN statuses ON statuses.word = lines.status
CROSS JOIN settings

-- name: broken_rows
-- Rejects rows that contradict themselves or lack what they need. A cancelled row may lack units
-- or an amount, a pending one the amount.
INSERT INTO removed_lines BY NAME
WITH faults AS (
    SELECT
        *,
        CASE
            WHEN product IS NULL AND product_name IS NULL THEN 'no_product'
            WHEN status = 'cancelled' AND quantity = 0 OR status IN ('cancelled', 'pending') AND base IS NULL THEN NULL
            WHEN quantity = 0 THEN 'zero_quantity'
            WHEN base IS NULL THEN 'missing'
            WHEN quantity < 0 AND prefix <> '' AND NOT (
                starts_with("order", prefix) AND regexp_full_match("order"[length(prefix) + 1:], '[0-9]+')
            ) THEN 'negative_quantity'
            WHEN quantity < 0 AND line_total > 0 THEN 'sign_differs'
            WHEN is_rate AND discount NOT BETWEEN 0 AND whole THEN 'not_a_share'
            WHEN NOT is_included AND reduction > base THEN 'discount_exceeds_price'
            WHEN smallest_units(if(has_discount, abs(base - expected), base - expected)) > rounding THEN 'total_differs'
            WHEN is_sale AND (shipping < 0 OR tax < 0) THEN 'negative'
        END AS rule
    FROM (
        SELECT
            *,
            floor(abs(quantity) / 2) + if(is_rate, 1, 0) AS rounding,  -- a price has half a smallest unit for each unit
            listed - if(is_rate, share_of(listed, discount, whole), reduction) AS after_discount
        FROM figures
    )
),

sentences (rule, field, reason) AS (
    VALUES
        ('no_product', 'product', 'a row needs the number or the name of its product; fill one in'),
        ('missing', 'unit_price', 'a value is required here; fill it in'),
        ('zero_quantity', 'quantity', 'zero units; remove the row'),
        ('negative_quantity', 'quantity',
            'negative units on an invoice that is not a credit note; expected a number of {0} and digits. Where such rows '
            || 'are returns, set SET="mapping.credit_note_prefix="'),
        ('sign_differs', 'line_total', 'the units are negative, and the amount is not; correct one of them'),
        ('not_a_share', 'discount', 'expected a share from 0 to {5}; correct it, or set SET="mapping.discount_is={1}"'),
        ('discount_exceeds_price', 'discount', 'expected at most the amount of the row, {2}; correct one of them'),
        ('total_differs', 'line_total',
            'price and discount give {3}; correct one of them, or {4}'),
        ('negative', 'shipping', 'expected a number of at least 0 in a row that is not a return; correct it')
)

SELECT
    line,
    CASE
        WHEN sentences.field = 'shipping' AND tax < 0 THEN 'tax'
        WHEN sentences.field = 'unit_price' AND NOT has_price THEN 'line_total'
        WHEN sentences.field = 'product' AND NOT has_number THEN 'product_name'
        ELSE sentences.field
    END AS field,
    if(rule = 'no_product', 'missing', rule) AS rule,
    CASE sentences.field
        WHEN 'quantity' THEN quantity::VARCHAR
        WHEN 'line_total' THEN amount_text(line_total)
        WHEN 'discount' THEN rtrim(rtrim(discount::VARCHAR, '0'), '.')
        WHEN 'shipping' THEN amount_text(least(shipping, tax))
        ELSE ''
    END AS value,
    format(
        sentences.reason, prefix,
        if(whole = 1 AND discount BETWEEN 0 AND 100, 'percent', 'amount') || if(is_included, '_included', ''),
        coalesce(amount_text(base), ''), coalesce(amount_text(expected), ''),
        if(
            NOT is_included AND base = after_discount,
            'set SET="mapping.discount_is=' || if(whole = 100, 'percent', if(is_rate, 'rate', 'amount'))
                || '_included" if the totals are after the discount',
            'map only one of unit_price and line_total'
        ),
        whole
    ) AS reason
FROM faults
JOIN sentences USING (rule)

-- name: unknown_status
-- Rejects rows with a word for a state that the mapping does not translate.
INSERT INTO removed_lines BY NAME
SELECT
    line, 'status' AS field, 'unknown_status' AS rule, lines.status AS value,
    format(
        'unknown state; expected pending, shipped, completed, cancelled, refunded or a word of mapping.statuses. Set what '
        || 'it means, as in SET="mapping.statuses.{}=completed"',
        regexp_replace(lines.status, '\s+', '-', 'g')
    ) AS reason
FROM lines
JOIN statuses ON statuses.word = lines.status
WHERE statuses.status IS NULL

-- name: unknown_country
-- Rejects rows with a country name that has no code.
INSERT INTO removed_lines BY NAME
SELECT
    line, 'country' AS field, 'unknown_country' AS rule, lines.country AS value,
    format(
        'unknown country; expected an English name or a code of ISO 3166-1. Set its code, or "" for none, in the params '
        || 'file, as in countries: {{"{}": "GB"}}', lines.country
    ) AS reason
FROM lines
JOIN country_codes ON country_codes.name = lines.country
WHERE country_codes.code IS NULL

-- name: conflicting_customer
-- Rejects rows whose order has another {column} in an earlier row.
INSERT INTO removed_lines BY NAME
WITH owners AS (
    SELECT "order", min_by({value}, line) AS owner, min(line) FILTER ({column} IS NOT NULL) AS line
    FROM lines
    GROUP BY "order"
    HAVING min({value}) <> max({value})
)

SELECT
    lines.line, '{column}' AS field, 'conflicting_customer' AS rule, lines.{column} AS value,
    line_words('lines', owners.line) || ' has another customer on this order; expected one customer per order' AS reason
FROM lines
JOIN owners USING ("order")
WHERE {value} <> owners.owner

-- name: paid_rows
-- View of the rows that sell or return something: amount paid, gross amount at list prices, and price per unit where it
-- gives the amount. A part of a unit, such as goods by weight, is one unit at the amount of the row.
CREATE VIEW paid_rows AS
SELECT
    line,
    "order" AS number,
    order_date,
    customer,
    email,
    coalesce(product, product_name) AS code,
    product_name,
    category,
    country,
    shipping,
    tax,
    per_row,
    channel,
    status,
    is_sale,
    quantity % 1 = 0 AS is_whole,
    if(is_whole, abs(quantity), 1)::INTEGER AS units,
    if(is_included, base, base - reduction) AS amount,
    if(is_included AND (listed IS NULL OR line_total IS NULL), base + reduction, greatest(base, listed)) AS gross,
    if(is_whole AND listed = amount, unit_price, NULL) AS price,
    if(is_whole AND gross = listed, unit_price, unit_price(smallest_units(gross), units)) AS list_price
FROM figures
WHERE quantity <> 0 AND base IS NOT NULL

-- name: large_orders
-- An order whose rows exceed the database's money type, if there is one.
SELECT number FROM order_heads WHERE all_amounts > 999999999999 LIMIT 1

-- name: too_large
-- Rejects the rows from which on the total of an order exceeds the database's money type.
INSERT INTO removed_lines BY NAME
WITH running AS (
    SELECT line, units, sum(amount) OVER (PARTITION BY number ORDER BY line) AS total
    FROM paid_rows
    WHERE number IN (SELECT number FROM order_heads WHERE all_amounts > 999999999999)
)

SELECT
    line, 'quantity' AS field, 'out_of_range' AS rule, units::VARCHAR AS value,
    'the total of the order is too large; expected at most 999999999999' AS reason
FROM running
WHERE total > 999999999999

-- name: order_heads
-- Table of the orders and credit notes: date and customer of their first rows, total and state of the sales. One without a
-- customer number and an e-mail address has a guest. `of_instants`: its rows have different timestamps.
CREATE OR REPLACE TABLE order_heads AS
SELECT
    number,
    key_of('order', number) AS order_id,
    min(line) FILTER (is_sale) AS sale_line,
    min_by(customer, line) AS customer,
    min_by(email, line) AS email,
    coalesce(
        key_of('user', coalesce(min_by(customer, line), lower(min_by(email, line)))), key_of('guest', number)
    ) AS user_id,
    min_by(order_date, line) AS order_date,
    min(order_date) < max(order_date) AS of_instants,
    coalesce(sum(amount) FILTER (is_sale), 0) AS total_amount,
    sum(amount) AS all_amounts,
    if(any_value(per_row), sum(shipping) FILTER (is_sale), max(shipping) FILTER (is_sale)) AS shipping_amount,
    if(any_value(per_row), sum(tax) FILTER (is_sale), max(tax) FILTER (is_sale)) AS tax_amount,
    NOT any_value(per_row) AND (min(shipping) <> max(shipping) OR min(tax) <> max(tax)) AS charges_differ,
    CASE  -- of the rows that stand, the least advanced state
        WHEN bool_and(status = 'cancelled') FILTER (is_sale) THEN 'cancelled'
        WHEN bool_and(status IN ('cancelled', 'refunded')) FILTER (is_sale) THEN 'refunded'
        WHEN bool_or(status = 'pending') FILTER (is_sale) THEN 'pending'
        WHEN bool_or(status = 'shipped') FILTER (is_sale) THEN 'shipped'
        ELSE 'completed'
    END AS status
FROM paid_rows
GROUP BY number

-- name: items
-- Table of the rows, sales and returns, with a number that counts repeats of a product in its order: keys use it, since
-- line numbers may change. Returns have their own time, those of a credit note that of its first row.
CREATE TABLE items AS
WITH repeats AS (
    SELECT line, row_number() OVER (PARTITION BY number, code, is_sale ORDER BY line) - 1 AS repeat
    FROM (SELECT *, hash(number, code, is_sale) AS same FROM paid_rows)  -- of a few others too: they are row 0
    SEMI JOIN (SELECT hash(number, code, is_sale) AS same FROM paid_rows GROUP BY same HAVING count(*) > 1) USING (same)
)

SELECT
    paid_rows.* EXCLUDE (customer, email, order_date, shipping, tax, per_row, gross),
    gross = amount AS at_list_price,
    order_heads.user_id,
    order_heads.order_id,
    if(is_sale OR sale_line IS NULL, order_heads.order_date, greatest(paid_rows.order_date, order_heads.order_date))
        AS order_date,
    coalesce(repeats.repeat, 0) AS repeat
FROM paid_rows
JOIN order_heads USING (number)
LEFT JOIN repeats USING (line)

-- name: codes
-- Table of the products with their keys.
CREATE TABLE codes AS SELECT code, key_of('product', code) AS product_id FROM items GROUP BY code

-- name: priced
-- View of the sales with the amount paid in the smallest units of the currency, of which an order has less than a BIGINT
-- holds; it divides in a fraction of the time of a HUGEINT.
CREATE VIEW priced AS
SELECT *, smallest_units(amount)::BIGINT AS paid FROM items WHERE is_sale

-- name: returnable
-- Returns, and the sales of the same customer and product, in the order in which they happened.
SELECT line, user_id, code, number, is_sale, units, amount
FROM items
SEMI JOIN (SELECT user_id, code FROM items WHERE NOT is_sale) USING (user_id, code)
WHERE amount > 0
ORDER BY user_id, code, order_date, is_sale DESC, line

-- name: refunded
-- View of the refunds: a return with its sale, if one covers it; and what a cancelled or refunded row lacks up to its
-- amount, at the time of its order, since the file has no other.
CREATE VIEW refunded AS
WITH returned AS (
    SELECT sale_line AS line, sum(amount) AS amount FROM returns GROUP BY sale_line
)

SELECT
    credits.line,
    concat_ws(chr(31), credits.number, credits.code, credits.repeat) AS name,
    credits.user_id,
    sales.number,
    sales.code,
    sales.repeat,
    credits.code AS product,
    credits.order_date AS refund_date,
    'credit note' AS kind,
    credits.units,
    credits.amount,
    false AS is_undated
FROM items AS credits
LEFT JOIN returns ON returns.line = credits.line
LEFT JOIN items AS sales ON sales.line = returns.sale_line
WHERE NOT credits.is_sale AND credits.amount > 0
UNION ALL
SELECT
    items.line,
    concat_ws(chr(31), number, code, repeat, status) AS name,
    user_id,
    number,
    code,
    repeat,
    code AS product,
    order_date AS refund_date,
    if(status = 'cancelled', 'cancellation', 'refund') AS kind,
    if(returned.amount IS NULL, units, NULL) AS units,
    items.amount - coalesce(returned.amount, 0) AS amount,
    true AS is_undated
FROM items
LEFT JOIN returned USING (line)
WHERE is_sale AND status IN ('cancelled', 'refunded') AND items.amount > coalesce(returned.amount, 0)

-- name: products
-- One row per product sold: name, category and list price of the latest sale above 0, if any.
WITH sales AS (
    SELECT code, product_name, category, list_price, row(list_price > 0, order_date, order_id, line) AS sold
    FROM items
    WHERE is_sale
)

SELECT
    any_value(product_id) AS product_id,
    coalesce(max_by(product_name, sold), code) AS name,
    max_by(category, sold) AS category,
    max_by(list_price, sold) AS price
FROM sales
JOIN codes USING (code)
GROUP BY code
ORDER BY code

-- name: users
-- One row per customer or guest: sign-up at the first sale (without one, at the first return), country of the latest sale
-- to a country with a code, if any; ordered by sign-up and name. Sales are compared as in the database when they are
-- appended. An e-mail address of several customers is that of the first.
WITH homes AS (
    SELECT
        items.*,
        order_heads.customer,
        order_heads.email,
        nullif(country_codes.code, '') AS country_code,
        country_codes.country AS country_name,
        row(country_code IS NOT NULL, is_sale, items.order_date, items.order_id, line) AS homed
    FROM items
    JOIN order_heads USING (number)
    LEFT JOIN country_codes ON country_codes.name = items.country
),

latest AS (
    SELECT
        user_id,
        min(customer) AS customer,
        max_by(email, homed) AS email,
        min(number) AS number,
        coalesce(min(order_date) FILTER (is_sale), min(order_date))::DATE AS signup_date,
        max_by(country_code, homed) AS country_code,
        max_by(country_name, homed) AS country,
        min_by(channel, row(order_date, order_id, line)) AS channel
    FROM homes
    GROUP BY user_id
)

SELECT
    user_id,
    coalesce(
        if(row_number() OVER (PARTITION BY lower(email) ORDER BY signup_date, user_id) = 1, email, NULL),
        if(regexp_full_match(customer, '[a-z0-9._-]{1,64}'), customer, user_id::VARCHAR) || '@no-email.invalid'
    ) AS email,
    coalesce('Customer ' || coalesce(customer, lower(email)), 'Guest of order ' || number) AS name,
    country_code,
    country,
    channel AS acquisition_channel,
    signup_date,
    customer IS NULL AND email IS NULL AS is_guest
FROM latest
ORDER BY signup_date, name

-- name: orders
-- One row per order with a sale, in the order of their first ones, with the country of these. It is refunded if refunds
-- cover all of it.
WITH credited AS (
    SELECT number, sum(amount) AS amount FROM refunded GROUP BY number
)

SELECT
    order_heads.order_id,
    order_heads.user_id,
    order_heads.order_date,
    if(order_heads.status <> 'cancelled' AND credited.amount = order_heads.total_amount, 'refunded', order_heads.status)
        AS status,
    order_heads.total_amount,
    nullif(country_codes.code, '') AS shipping_country_code,
    order_heads.shipping_amount,
    order_heads.tax_amount
FROM order_heads
JOIN paid_rows ON paid_rows.line = order_heads.sale_line
LEFT JOIN credited ON credited.number = order_heads.number
LEFT JOIN country_codes ON country_codes.name = paid_rows.country
ORDER BY paid_rows.line

-- name: order_items
-- One row per sale, or two, see `parts`.
SELECT
    key_of('item', concat_ws(chr(31), number, code, repeat, nullif(part, 0))) AS order_item_id,
    order_id,
    product_id,
    part_units AS quantity,
    part_price AS price_at_time,
    greatest(list_price - part_price, 0) AS discount
FROM parts
JOIN codes USING (code)
ORDER BY line, part

-- name: refunds
-- One row per refund of an amount, with the order item that it returns, if one covers it.
SELECT
    key_of('refund', name) AS refund_id,
    user_id,
    key_of('order', number) AS order_id,
    key_of('item', number || chr(31) || code || chr(31) || repeat) AS order_item_id,
    key_of('product', product) AS product_id,
    refund_date,
    kind,
    units AS quantity,
    amount
FROM refunded
ORDER BY line, is_undated

-- name: notes
-- Decisions about rows that are loaded: source, field, note, cases.
WITH products AS (
    SELECT code, count(DISTINCT product_name) AS names, max(list_price) FILTER (is_sale) AS price
    FROM items
    GROUP BY code
),

customers AS (
    SELECT customer, count(DISTINCT coalesce(country, '')) AS countries
    FROM lines
    WHERE customer IS NOT NULL
    GROUP BY customer
),

people AS (
    SELECT user_id, min(lower(email)) AS email, bool_and(customer IS NULL AND email IS NULL) AS is_guest
    FROM order_heads
    GROUP BY user_id
),

repeats AS (
    SELECT count(*) - 1 AS lines
    FROM figures
    WHERE
        quantity = 0 OR base IS NULL
        OR ("order", coalesce(product, product_name)) IN (SELECT (number, code) FROM items WHERE repeat > 0)
    GROUP BY "order", coalesce(product, product_name), quantity, unit_price, line_total, order_date
),

-- One pass over each view: every mention of a view plans and runs all the views below it.
of_products AS MATERIALIZED (
    SELECT
        count(*) FILTER (names > 1) AS of_several_names,
        count(*) FILTER (names = 0) AS unnamed,
        count(*) FILTER (price > 0) AS priced,
        count(*) FILTER (price = 0) AS free
    FROM products
),

of_figures AS MATERIALIZED (
    SELECT
        count(*) FILTER (has_number AND product IS NULL) AS unnumbered,
        count(*) FILTER (NOT has_discount AND is_sale AND base < expected) AS discounted,
        count(*) FILTER (is_sale AND base <> expected AND (has_discount OR base > expected)) AS of_rounding,
        count(*) FILTER (line_total <> shop_amount(line_total)) AS rounded,
        count(*) FILTER (is_sale AND discount < 0) AS negative_discount,
        count(*) FILTER (lacks_quantity AND is_sale AND base IS NOT NULL) AS without_units,
        count(*) FILTER (quantity = 0 OR base IS NULL) AS unsold,
        count(*) FILTER (is_sale AND lacks_status) AS without_status
    FROM figures
),

of_items AS MATERIALIZED (
    SELECT
        count(*) FILTER (is_sale AND at_list_price) AS at_list_price,
        count(*) FILTER (is_sale AND NOT is_whole) AS weighed,
        count(*) FILTER (NOT is_sale AND amount > 0) AS returned,
        count(*) FILTER (NOT is_sale AND amount = 0) AS returned_free,
        count(*) FILTER (NOT is_sale AND amount > 0 AND line NOT IN (SELECT line FROM returns)) AS unmatched
    FROM items
),

of_parts AS MATERIALIZED (
    SELECT count(*) FILTER (is_exact AND dearer > 0) AS exact, count(*) FILTER (part = 1) AS divided
    FROM parts
    WHERE price IS NULL
),

of_heads AS MATERIALIZED (
    SELECT
        count(*) FILTER (of_instants) AS of_instants,
        count(*) FILTER (charges_differ) AS charges_differ,
        count(*) FILTER (customer IS NULL AND email IS NULL) AS guests,
        count(*) FILTER (sale_line IS NOT NULL AND order_date >= $as_of::DATE) AS late
    FROM order_heads
),

of_people AS MATERIALIZED (
    SELECT
        count(*) FILTER (email IS NULL AND NOT is_guest) AS without_email,
        count(email) - count(DISTINCT email) AS shared
    FROM people
),

decisions (field, note, cases) AS (
    VALUES
        ('order_date', 'orders: rows with different timestamps; the first is kept',
            (SELECT of_instants FROM of_heads)),
        ('country', 'users: several countries; the latest is kept',
            (SELECT count(*) FROM customers WHERE countries > 1)),
        ('product_name', 'products: several names; that of the latest sale is kept',
            (SELECT of_several_names FROM of_products)),
        ('product_name', 'products: no name; named by the number', (SELECT unnamed FROM of_products)),
        ('product', 'order_items: no number of the product; its name is used',
            (SELECT unnumbered FROM of_figures)),
        ('unit_price', 'products: list price unknown; the latest price it was sold at is used',
            (SELECT priced FROM of_products)),
        ('unit_price', 'products: never sold above 0; the list price is 0',
            (SELECT free FROM of_products)),
        ('unit_price', 'order_items: list price unknown; the discount is 0.00',
            (SELECT at_list_price FROM of_items)),
        ('line_total', 'order_items: below quantity x unit_price; the difference is a discount',
            (SELECT discounted FROM of_figures)),
        ('line_total', 'order_items: differs from quantity x unit_price by rounding; line_total is used',
            (SELECT of_rounding FROM of_figures)),
        ('line_total', 'order_items: the amount does not divide by the units; the price has six decimals',
            (SELECT exact FROM of_parts)),
        ('line_total', 'order_items: the amount does not divide by the units; the row became two rows',
            (SELECT divided FROM of_parts)),
        ('line_total', 'order_items: rounded to the decimals of the currency',
            (SELECT rounded FROM of_figures)),
        ('discount', 'order_items: a negative discount; made positive',
            (SELECT negative_discount FROM of_figures)),
        ('quantity', 'order_items: duplicates of a row in the same order, kept',
            (SELECT coalesce(sum(lines), 0)::BIGINT FROM repeats)),
        ('quantity', 'order_items: a part of a unit; loaded as 1 unit at the amount of the row',
            (SELECT weighed FROM of_items)),
        ('quantity', 'order_items: no units; 1', (SELECT without_units FROM of_figures)),
        ('quantity', 'order_items: a cancelled or pending row without units or an amount; nothing was sold',
            (SELECT unsold FROM of_figures)),
        ('quantity', 'refunds: a row of negative units or a negative amount; made positive',
            (SELECT returned FROM of_items)),
        ('unit_price', 'refunds: a return of amount 0; not loaded',
            (SELECT returned_free FROM of_items)),
        ('order', 'refunds: matched to an order item of the order, or the latest earlier one of the customer, that covers it',
            (SELECT count(*) FROM returns)),
        ('order', 'refunds: no earlier order item of the customer covers it; kept without an order',
            (SELECT unmatched FROM of_items)),
        ('status', 'refunds: added for a cancelled or refunded row; the date is that of the order',
            (SELECT count(*) FROM refunded WHERE is_undated)),
        ('status', 'orders: no state; completed', (SELECT without_status FROM of_figures)),
        ('shipping', 'orders: rows with different shipping or tax; the largest is kept',
            (SELECT charges_differ FROM of_heads)),
        ('customer', 'orders and credit notes: no customer; each gets a guest of its own',
            (SELECT guests FROM of_heads)),
        ('customer', 'users: no e-mail; set to an unreachable placeholder (…@no-email.invalid)',
            (SELECT without_email FROM of_people)),
        ('email', 'users: an address of several customers; the first keeps it',
            (SELECT shared FROM of_people)),
        ('order_date', 'orders: on or after as_of; loaded, not reported',
            (SELECT late FROM of_heads))
)

SELECT 'lines' AS source, field, note, cases FROM decisions
