-- Shopify's exports: orders with one row per item in the view `lines`, whose first row has the order's own fields; and,
-- without rows where they are not there, the views `customers`, `products` and `transactions`.

-- name: countries
-- The country codes that occur.
SELECT unnest([shipping_country, billing_country]) AS code FROM lines UNION SELECT country FROM customers ORDER BY code

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

SELECT line, name AS shared_name, format('{} ({})', name, id) AS name FROM owned WHERE id <> first_id

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

-- name: variants
-- Table of the variants in the products export: the rows with a price, with the values that only the first row of their
-- product has. An order's row names a variant by the title and its options.
CREATE TABLE variants AS
WITH filled AS (
    SELECT
        line, sku, price, cost, stock, tracker,
        coalesce(max(title) OVER product, handle) AS title,
        coalesce(max(type) OVER product, trim(string_split(max(category) OVER product, '>')[-1])) AS category,
        coalesce(bool_or(gift_card) OVER product, false) AS is_gift_card,
        coalesce(lower(max(state) OVER product), 'active') = 'active' AS is_active,
        concat_ws(' / ', nullif(option1, 'Default Title'), option2, option3) AS options
    FROM products
    WINDOW product AS (PARTITION BY handle)
)

SELECT
    line, sku, title, category, price, cost, is_gift_card, is_active,
    concat_ws(' - ', title, nullif(options, '')) AS name,
    if(tracker IS NULL AND count(tracker) OVER () > 0, NULL, stock) AS stock
FROM filled
WHERE price IS NOT NULL

-- name: gift_cards
-- Table of the rows that sell gift cards, with their amount: the products export tells them, else the name of the row.
CREATE TABLE gift_cards AS
WITH listed AS (
    SELECT called, bool_or(is_gift_card) AS is_gift_card
    FROM (SELECT unnest([sku, name, title]) AS called, is_gift_card FROM variants)
    WHERE called IS NOT NULL
    GROUP BY called
)

SELECT line, name, shop_amount(quantity * item_price) - coalesce(item_discount, 0) AS amount
FROM order_rows
LEFT JOIN listed AS by_sku ON by_sku.called = item_sku
LEFT JOIN listed AS by_name ON by_name.called = item_name
ANTI JOIN not_goods USING (line)
WHERE
    coalesce(
        by_sku.is_gift_card,
        by_name.is_gift_card,
        regexp_matches(
            item_name, '(?i)^([^|–-]* )?(e-?)?gift[ -]?(card|voucher|certificate)s?( *[|–(:-].*| *[^a-z]?[0-9].*)?$'
        )
    )

-- name: goods
-- View of the rows that sell: all except tips and the like, rows removed from their order, and gift cards.
CREATE VIEW goods AS FROM order_rows ANTI JOIN not_goods USING (line) ANTI JOIN gift_cards USING (line)

-- name: order_customers
-- View of each order's customer: the e-mail address, else the telephone number, else a guest of its own.
CREATE VIEW order_customers AS
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
-- Table of the orders with goods: their first row with its customer and status, and the home that it gives the
-- customer. The total is the subtotal, after discounts and without shipping, less the gift cards in it. Orders are
-- compared by `placed`, as in the database when they are appended, and never by their place in the file.
CREATE TABLE orders_placed AS
WITH gifts AS (
    SELECT name, sum(amount) AS amount FROM gift_cards GROUP BY name
)

SELECT
    order_rows.* EXCLUDE (email),
    order_customers.* EXCLUDE (name, line),
    greatest(subtotal - coalesce(gifts.amount, 0), 0) AS total_amount,
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
FROM order_customers
JOIN order_rows USING (line)
LEFT JOIN gifts ON gifts.name = order_rows.name
SEMI JOIN goods ON goods.name = order_rows.name

-- name: known_customers
-- Table of the customers in the customers export.
CREATE TABLE known_customers AS
SELECT
    line,
    phone_of(phone, calling_codes.prefix) AS number,
    coalesce(lower(email), 'phone ' || number) AS customer,
    email,
    nullif(concat_ws(' ', first_name, last_name), '') AS name,
    city,
    country,
    total_orders,
    signed_up_at::DATE AS signup_date
FROM customers
LEFT JOIN calling_codes USING (country)
WHERE customer IS NOT NULL
QUALIFY row_number() OVER (PARTITION BY customer ORDER BY line) = 1

-- name: paid_back
-- Table of the successful refunds and voids in the transactions export, with their order: by its Id, else by its name.
CREATE TABLE paid_back AS
WITH numbers AS (
    SELECT id, min(name) AS name FROM orders_placed WHERE id IS NOT NULL GROUP BY id
),

found AS (
    SELECT transactions.*, coalesce(numbers.name, transactions.name) AS order_name
    FROM transactions
    LEFT JOIN numbers ON numbers.id = order_number
    WHERE
        lower(status) = 'success' AND lower(kind) IN ('refund', 'void')
        AND (numbers.name IS NOT NULL OR transactions.name NOT IN (SELECT shared_name FROM renamed))
)

SELECT
    found.line, orders_placed.name,
    lower(kind) = 'refund' AS is_refund,
    greatest(found.created_at, orders_placed.created_at) AS refund_date,
    abs(amount) AS amount
FROM found
JOIN orders_placed ON orders_placed.name = order_name

-- name: refunded
-- Table of the refunds: those of transactions, as far as the order's total covers them, as they may include shipping
-- and taxes; and for the rest of what was refunded, at most one per order: the total of cancelled and refunded orders,
-- of others the refunded amount. It has the date of the cancellation, else of the last transaction, else of the order.
-- A cancellation takes in the refunds of its day and later ones.
CREATE TABLE refunded AS
WITH owed AS (
    SELECT
        line, name, customer, total_amount, refunded_amount, created_at, status,
        status IN ('cancelled', 'refunded') AS is_whole,
        if(cancelled_at >= created_at, cancelled_at, NULL) AS cancelled_on
    FROM orders_placed
),

steps AS (
    SELECT
        owed.*, refund_date,
        sum(amount) OVER earlier AS up_to,
        amount,
        row_number() OVER (PARTITION BY name, refund_date ORDER BY amount, paid_back.line) AS place
    FROM paid_back
    JOIN owed USING (name)
    WHERE is_refund AND coalesce(refund_date::DATE < cancelled_on::DATE, true)
    WINDOW earlier AS (PARTITION BY name ORDER BY refund_date, amount, paid_back.line)
),

dated AS (
    SELECT
        line, name, customer, refund_date, false AS is_rest, false AS is_undated, is_whole, 'refund' AS kind,
        concat_ws(chr(31), name, epoch_us(refund_date), place) AS key,
        least(up_to, total_amount) - least(up_to - amount, total_amount) AS amount
    FROM steps
),

known AS (
    SELECT name, sum(amount) AS amount FROM dated GROUP BY name
),

last AS (
    SELECT name, max(refund_date) AS refund_date FROM paid_back GROUP BY name
),

rest AS (
    SELECT
        line, name, customer,
        coalesce(cancelled_on, last.refund_date, created_at) AS refund_date,
        true AS is_rest,
        coalesce(cancelled_on, last.refund_date) IS NULL AS is_undated,
        is_whole,
        if(status = 'cancelled', 'cancellation', 'refund') AS kind,
        NULL AS key,
        if(is_whole, total_amount, least(coalesce(refunded_amount, 0), total_amount))
        - coalesce(known.amount, 0) AS amount
    FROM owed
    LEFT JOIN known USING (name)
    LEFT JOIN last USING (name)
)

FROM dated WHERE amount > 0
UNION ALL
FROM rest WHERE amount > 0

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
        smallest_units(orders_placed.total_amount) AS subtotal
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

-- name: sold_products
-- Table of one row per SKU, or per name without a SKU: name and price of the latest sale above 0, if any.
CREATE TABLE sold_products AS
WITH sold AS (
    SELECT
        coalesce(goods.item_sku, goods.item_name) AS product, goods.item_name, goods.item_price,
        row(goods.item_price > 0, orders_placed.placed, goods.line) AS sold
    FROM goods
    JOIN orders_placed USING (name)
)

SELECT product, max_by(item_name, sold) AS name, max_by(item_price, sold) AS price FROM sold GROUP BY product

-- name: product_variants
-- Table of the variants of each product: those of its SKU, else of its name, else of its title; and further products
-- for active variants without a sale. The stock of a variant belongs to the first of its products.
CREATE TABLE product_variants AS
WITH by_sku AS (
    SELECT product, line, 1 AS place FROM sold_products JOIN variants ON sku = product
),

by_name AS (
    SELECT product, line, 2 AS place
    FROM sold_products
    JOIN variants USING (name)
    ANTI JOIN by_sku USING (product)
),

by_title AS (
    SELECT product, line, 3 AS place
    FROM sold_products
    JOIN variants ON title = sold_products.name
    ANTI JOIN (FROM by_sku UNION ALL FROM by_name) AS matched USING (product)
),

sold AS (
    FROM by_sku UNION ALL FROM by_name UNION ALL FROM by_title
),

unsold AS (
    SELECT coalesce(sku, name) AS product, line, 4 AS place
    FROM variants
    ANTI JOIN sold USING (line)
    WHERE is_active AND NOT is_gift_card
)

SELECT
    product, line, place, variants.* EXCLUDE (line, stock),
    if(row_number() OVER (PARTITION BY line ORDER BY place, product) = 1, stock, NULL) AS stock
FROM (FROM sold UNION ALL FROM unsold)
JOIN variants USING (line)

-- name: products
-- One row per product: the name of its latest sale, and values of its variants; the stocks of several are added.
WITH listed AS (
    SELECT
        product,
        min_by(name, line) AS name,
        min_by(category, line) AS category,
        min_by(price, line) AS price,
        min_by(cost, line) AS cost,
        if(sum(stock) < 0, 0, sum(stock))::INTEGER AS stock_quantity
    FROM product_variants
    GROUP BY product
)

SELECT
    key_of('product', product) AS product_id,
    coalesce(sold_products.name, listed.name) AS name,
    category,
    coalesce(listed.price, sold_products.price) AS price,
    cost,
    stock_quantity
FROM sold_products
FULL JOIN listed USING (product)
ORDER BY product

-- name: users
-- One row per customer or guest: sign-up at the first order, name and home of the latest one with a country, if any.
-- A gap is filled from the latest order without it, that of the city only from one to the same country. Names and homes
-- of the customers export come first; it adds customers without an order only if it has their sign-up.
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
),

joined AS (
    SELECT
        customer,
        coalesce(latest.email, known.email) AS email,
        coalesce(latest.number, known.number) AS number,
        coalesce(is_guest, false) AS is_guest,
        least(latest.signup_date, known.signup_date) AS signup_date,
        latest.line,
        order_name,
        coalesce(known.name, billing_name) AS name,
        coalesce(known.country, latest.country) AS code,
        if(coalesce(known.country = latest.country, true), coalesce(known.city, cities.city), known.city) AS city,
        source
    FROM latest
    FULL JOIN known_customers AS known USING (customer)
    LEFT JOIN cities USING (customer)
)

SELECT
    key_of('user', customer) AS user_id,
    coalesce(email, key_of('user', customer)::VARCHAR || '@no-email.invalid') AS email,
    coalesce(
        joined.name, if(is_guest, 'Guest of order ' || order_name, 'Customer ' || coalesce(lower(email), number))
    ) AS name,
    code AS country_code,
    country_names.name AS country,
    city,
    source AS acquisition_channel,
    signup_date,
    is_guest
FROM joined
LEFT JOIN country_names USING (code)
WHERE signup_date IS NOT NULL
ORDER BY line, customer

-- name: orders
-- One row per order, in the order of their first rows.
-- Taxes that the prices include are not in the total on top of the subtotal.
SELECT
    order_id,
    key_of('user', customer) AS user_id,
    created_at AS order_date,
    status,
    total_amount,
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
-- One row per refund, in the order of their orders. The keys follow from the order and the transaction, so a later
-- export replaces the rows.
SELECT
    if(is_rest, added_refund_key(key_of('order', name)), key_of('refund', key)) AS refund_id,
    key_of('user', customer) AS user_id,
    key_of('order', name) AS order_id,
    refund_date,
    kind,
    amount
FROM refunded
ORDER BY line, is_rest, refund_date, key

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
        sum(shop_amount(goods.quantity * goods.item_price) - coalesce(goods.item_discount, 0))
        - max(total_amount) AS spread,
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
        count(*) FILTER (price > 0 AND listed.product IS NULL) AS priced,
        count(*) FILTER (price = 0 AND listed.product IS NULL) AS free,
        count(*) FILTER (names > 1) AS of_several_names
    FROM items
    LEFT JOIN (SELECT DISTINCT product FROM product_variants) AS listed USING (product)
),

of_parts AS MATERIALIZED (
    SELECT count(*) FILTER (dearer > 0 AND is_exact AND price IS NULL) AS exact, count(*) FILTER (part = 1) AS divided
    FROM parts
),

of_refunded AS MATERIALIZED (
    SELECT count(*) FILTER (is_rest AND NOT is_whole) AS partial, count(*) FILTER (is_undated) AS undated FROM refunded
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
        FROM orders_placed
        GROUP BY customer
    )
),

of_variants AS MATERIALIZED (
    SELECT
        count(*) FILTER (place IN (2, 3)) AS by_name,
        count(*) FILTER (place = 4) AS unsold,
        count(*) FILTER (variants > 1) AS several,
        count(*) FILTER (stock < 0) AS oversold
    FROM (
        SELECT min(place) AS place, count(*) AS variants, sum(stock) AS stock FROM product_variants GROUP BY product
    )
),

decisions (source, field, note, cases) AS (
    VALUES
        ('lines', 'subtotal', 'orders: total_amount is the subtotal, after discounts, without shipping',
            (SELECT orders FROM of_orders)),
        ('lines', 'subtotal', 'orders: a discount of the whole order, spread over its rows by cost',
            (SELECT count(DISTINCT name) FROM priced WHERE discount > 0)),
        ('lines', 'discount_amount',
            'orders: their rows exceed the subtotal by more than the discounts; spread as a discount',
            (SELECT count(*) FROM discounts WHERE spread > known)),
        ('lines', 'taxes', 'orders: taxes that the prices include; not counted on top of them',
            (SELECT including_taxes FROM of_orders)),
        ('lines', 'item_name',
            'order_items: a row that is not in the subtotal, such as a tip or a removed row; not sold',
            (SELECT count(*) FROM not_goods)),
        ('lines', 'item_name',
            'order_items: a gift card; not sold, since the shop owes its value until it is used to pay',
            (SELECT count(*) FROM gift_cards)),
        ('lines', 'item_name', 'orders: only gift cards; not loaded',
            (SELECT count(DISTINCT name) FROM gift_cards ANTI JOIN orders_placed USING (name))),
        ('lines', 'item_price', 'order_items: the amount paid does not divide by the units; the price has six decimals',
            (SELECT exact FROM of_parts)),
        ('lines', 'item_price', 'order_items: the amount paid does not divide by the units; the row became two rows',
            (SELECT divided FROM of_parts)),
        ('lines', 'item_price', 'products: list price unknown; the latest price above 0 is used',
            (SELECT priced FROM of_items)),
        ('lines', 'item_price', 'products: never sold above 0; the list price is 0',
            (SELECT free FROM of_items)),
        ('lines', 'item_name', 'products: several names; the latest is kept', (SELECT of_several_names FROM of_items)),
        ('lines', 'refunded_amount', 'orders: partially refunded, amount unknown; counted in full',
            (SELECT unknown_refunds FROM of_orders)),
        ('lines', 'refunded_amount',
            'refunds: the refunded amount, as far as the subtotal covers it; it may include shipping and taxes',
            (SELECT partial FROM of_refunded)),
        ('lines', 'id', 'orders: of a name that an earlier order has; the Id tells them apart',
            (SELECT renamed FROM of_orders)),
        ('lines', 'duties', 'orders: duties; added to the taxes', (SELECT with_duties FROM of_orders)),
        ('lines', 'cancelled_at', 'refunds: date unknown; that of the order is used',
            (SELECT undated FROM of_refunded)),
        ('lines', 'email', 'orders: no e-mail and no telephone number; each gets a guest of its own',
            (SELECT guests FROM of_customers)),
        ('lines', 'phone', 'users: no e-mail; identified by the telephone number, in one spelling',
            (SELECT by_phone FROM of_customers)),
        ('lines', 'email', 'users: an address in several spellings; the latest is kept',
            (SELECT respelled FROM of_customers)),
        ('lines', 'created_at', 'orders: on or after as_of; loaded, not reported',
            (SELECT late FROM of_orders)),
        ('customers', 'signed_up_at', 'users: no order and no known sign-up; not loaded',
            (SELECT count(*) FROM known_customers ANTI JOIN orders_placed USING (customer) WHERE signup_date IS NULL)),
        ('customers', 'total_orders', 'users: Shopify counts more orders of them than the orders export has', (
            SELECT count(*) FROM known_customers
            JOIN (SELECT customer, count(*) AS orders FROM orders_placed GROUP BY customer) USING (customer)
            WHERE total_orders > orders
        )),
        ('products', 'title', 'products: matched by their name, since no variant has their number',
            (SELECT by_name FROM of_variants)),
        ('products', 'title', 'products: without a sale', (SELECT unsold FROM of_variants)),
        ('products', 'state', 'products: draft or archived variants without a sale; not loaded',
            (SELECT count(*) FROM variants ANTI JOIN product_variants USING (line) WHERE NOT is_active)),
        ('products', 'stock', 'products: several variants; their stocks are added, other values are those of the first',
            (SELECT several FROM of_variants)),
        ('products', 'stock', 'products: more sold than in stock; the stock is 0', (SELECT oversold FROM of_variants)),
        ('transactions', 'created_at',
            'refunds: of a transaction, as far as the total covers it; may include shipping and taxes',
            (SELECT count(*) FROM refunded WHERE NOT is_rest)),
        ('transactions', 'name', 'refunds: their order is not in the orders export; not used', (
            SELECT count(*) FROM transactions
            ANTI JOIN paid_back USING (line)
            WHERE lower(status) = 'success' AND lower(kind) = 'refund'
        )),
        ('transactions', 'kind', 'payments and attempts; only successful refunds and voids are used', (
            SELECT count(*) FROM transactions
            WHERE NOT (lower(status) = 'success' AND lower(kind) IN ('refund', 'void'))
        ))
)

FROM decisions
