-- The UCI "Online Retail" export: one row per item of an invoice, in the view `lines`.

-- name: countries
-- The country names that occur.
SELECT DISTINCT country AS name FROM lines WHERE country IS NOT NULL ORDER BY name

-- name: is_credit_note
-- Whether a number is that of a credit note: C and digits only. Its rows with negative units are credits, others sales.
CREATE MACRO is_credit_note(invoice) AS regexp_full_match(invoice, 'C[0-9]+')

-- name: signs
-- Rejects rows without a unit, and rows with negative units on an invoice that is not a credit note.
INSERT INTO removed_lines BY NAME
SELECT
    line, 'quantity' AS field, CASE WHEN quantity = 0 THEN 'zero_quantity' ELSE 'negative_quantity' END AS rule,
    quantity::VARCHAR AS value,
    CASE
        WHEN quantity = 0 THEN 'zero units; remove the row'
        ELSE 'negative units on an invoice that is not a credit note; expected a number of C and digits'
    END AS reason
FROM lines
WHERE quantity = 0 OR (quantity < 0 AND NOT is_credit_note(invoice))

-- name: unknown_country
-- Rejects rows with a country name that has no code.
INSERT INTO removed_lines BY NAME
SELECT
    line, 'country' AS field, 'unknown_country' AS rule, country AS value,
    'unknown country; expected an English name. Set its code, or "" for none, under mapping.countries' AS reason
FROM lines
JOIN country_codes ON country_codes.name = lines.country
WHERE country_codes.code IS NULL

-- name: conflicting_customer
-- Rejects rows whose invoice belongs to another customer in an earlier row.
INSERT INTO removed_lines BY NAME
WITH owners AS (
    SELECT invoice, min_by(customer, line) AS customer, min(line) AS line
    FROM lines
    GROUP BY invoice
    HAVING min(customer) <> max(customer)
)

SELECT
    lines.line, 'customer' AS field, 'conflicting_customer' AS rule, lines.customer AS value,
    format('line {} has another customer on this invoice; expected one customer per invoice', owners.line) AS reason
FROM lines
JOIN owners USING (invoice)
WHERE lines.customer <> owners.customer

-- name: too_large
-- Rejects the rows from which on the total of an invoice exceeds the database's money type.
INSERT INTO removed_lines BY NAME
WITH large AS (
    SELECT invoice FROM lines GROUP BY invoice HAVING sum(abs(quantity) * price) > 999999999999
),

running AS (
    SELECT line, quantity, sum(abs(quantity) * price) OVER (PARTITION BY invoice ORDER BY line) AS total
    FROM lines
    WHERE invoice IN (SELECT invoice FROM large)
)

SELECT
    line, 'quantity' AS field, 'out_of_range' AS rule, quantity::VARCHAR AS value,
    'the total of the invoice is too large; expected at most 999999999999' AS reason
FROM running
WHERE total > 999999999999

-- name: invoices
-- View of the invoices and credit notes: date and customer of their first rows, total of the sales. One without a
-- customer number has a guest.
CREATE VIEW invoices AS
SELECT
    invoice,
    key_of('order', invoice) AS order_id,
    min(line) FILTER (WHERE quantity > 0) AS sale_line,
    min_by(customer, line) AS customer,
    coalesce(key_of('user', min_by(customer, line)), key_of('guest', invoice)) AS user_id,
    min_by(invoice_date, line) AS order_date,
    coalesce(sum(shop_amount(quantity * price)) FILTER (WHERE quantity > 0), 0) AS total_amount
FROM lines
GROUP BY invoice

-- name: items
-- View of the rows, sales and credits, with a number that counts repeats of a product on its invoice: keys use it,
-- since line numbers may change.
CREATE VIEW items AS
SELECT
    lines.* EXCLUDE (customer),
    quantity > 0 AS is_sale,
    shop_amount(abs(quantity) * price) AS amount,
    invoices.customer,
    invoices.user_id,
    invoices.order_id,
    invoices.order_date,
    row_number() OVER (PARTITION BY invoice, product_code, quantity > 0 ORDER BY line) - 1 AS repeat
FROM lines
JOIN invoices USING (invoice)

-- name: returnable
-- Credits, and the sales of the same customer and product, in the order in which they happened.
SELECT line, customer, product_code, invoice, repeat, is_sale, abs(quantity) AS quantity, amount
FROM items
SEMI JOIN (SELECT customer, product_code FROM items WHERE NOT is_sale) USING (customer, product_code)
WHERE amount > 0
ORDER BY customer, product_code, order_date, is_sale DESC, line

-- name: products
-- One row per stock code sold: description and price of the latest sale above 0, if any.
WITH sales AS (
    SELECT product_code, description, price, row(price > 0, order_date, order_id, line) AS sold
    FROM items
    WHERE is_sale
)

SELECT
    key_of('product', product_code) AS product_id,
    coalesce(max_by(description, sold), product_code) AS name,
    max_by(price, sold) AS price
FROM sales
GROUP BY product_code
ORDER BY product_code

-- name: users
-- One row per customer or guest: sign-up at the first sale (without one, at the first credit note), country of the
-- latest sale to a country with a code, if any; ordered by sign-up and name. Sales are compared as in the database when
-- they are appended.
WITH homes AS (
    SELECT
        items.*,
        nullif(country_codes.code, '') AS country_code,
        row(country_code IS NOT NULL, is_sale, order_date, order_id, line) AS homed
    FROM items
    LEFT JOIN country_codes ON country_codes.name = items.country
),

latest AS (
    SELECT
        user_id,
        min(customer) AS customer,
        min(invoice) AS invoice,
        coalesce(min(order_date) FILTER (WHERE is_sale), min(order_date))::DATE AS signup_date,
        max_by(country_code, homed) AS country_code,
        max_by(country, homed) AS country
    FROM homes
    GROUP BY user_id
)

SELECT
    user_id,
    CASE
        WHEN regexp_full_match(customer, '[a-z0-9._-]{1,64}') THEN customer ELSE user_id::VARCHAR
    END || '@no-email.invalid' AS email,
    coalesce('Customer ' || customer, 'Guest of invoice ' || invoice) AS name,
    country_code,
    country,
    signup_date,
    customer IS NULL AS is_guest
FROM latest
ORDER BY signup_date, name

-- name: orders
-- One row per invoice with a sale, in the order of their first ones, with the country of these. It is refunded if
-- credit notes cover all of it.
WITH credited AS (
    SELECT invoice, sum(amount) AS amount FROM returns GROUP BY invoice
)

SELECT
    invoices.order_id,
    invoices.user_id,
    invoices.order_date,
    if(credited.amount = invoices.total_amount, 'refunded', 'completed') AS status,
    invoices.total_amount,
    nullif(country_codes.code, '') AS shipping_country_code
FROM invoices
JOIN lines ON lines.line = invoices.sale_line
LEFT JOIN credited ON credited.invoice = invoices.invoice
LEFT JOIN country_codes ON country_codes.name = lines.country
ORDER BY lines.line

-- name: order_items
-- One row per sale.
SELECT
    key_of('item', concat_ws(chr(31), invoice, product_code, repeat)) AS order_item_id,
    key_of('order', invoice) AS order_id,
    key_of('product', product_code) AS product_id,
    quantity,
    price AS price_at_time,
    0.00 AS discount
FROM items
WHERE is_sale
ORDER BY line

-- name: refunds
-- One row per credit of an amount, with the order item that it returns, if one covers it.
SELECT
    key_of('refund', concat_ws(chr(31), credits.invoice, credits.product_code, credits.repeat)) AS refund_id,
    credits.user_id,
    key_of('order', returns.invoice) AS order_id,
    key_of('item', returns.invoice || chr(31) || credits.product_code || chr(31) || returns.repeat) AS order_item_id,
    credits.order_date AS refund_date,
    'credit note' AS kind,
    abs(credits.quantity) AS quantity,
    credits.amount
FROM items AS credits
LEFT JOIN returns USING (line)
WHERE NOT credits.is_sale AND credits.amount > 0
ORDER BY credits.line

-- name: notes
-- Decisions about rows that are loaded: source, field, note, cases.
WITH dated AS (
    SELECT invoice, count(DISTINCT invoice_date) AS instants FROM lines GROUP BY invoice
),

products AS (
    SELECT
        product_code, count(DISTINCT description) AS descriptions, max(price) FILTER (WHERE quantity > 0) AS price
    FROM lines
    GROUP BY product_code
),

customers AS (
    SELECT customer, count(DISTINCT coalesce(country, '')) AS countries
    FROM lines
    WHERE customer IS NOT NULL
    GROUP BY customer
),

repeats AS (
    SELECT count(*) - 1 AS lines
    FROM lines
    GROUP BY invoice, product_code, quantity, price, invoice_date
),

decisions (field, note, cases) AS (
    VALUES
        ('invoice_date', 'orders: rows with different timestamps; the first is kept',
            (SELECT count(*) FROM dated WHERE instants > 1)),
        ('country', 'users: several countries; the latest is kept',
            (SELECT count(*) FROM customers WHERE countries > 1)),
        ('description', 'products: several descriptions; that of the latest sale is kept',
            (SELECT count(*) FROM products WHERE descriptions > 1)),
        ('description', 'products: no description; named by the stock code',
            (SELECT count(*) FROM products WHERE descriptions = 0)),
        ('price', 'products: list price unknown; the latest price it was sold at is used',
            (SELECT count(*) FROM products WHERE price > 0)),
        ('price', 'products: never sold above 0; the list price is 0', (SELECT count(*) FROM products WHERE price = 0)),
        ('price', 'order_items: list price unknown; the discount is 0.00',
            (SELECT count(*) FROM lines WHERE quantity > 0)),
        ('quantity', 'order_items: duplicates of a row on the same invoice, kept',
            (SELECT coalesce(sum(lines), 0)::BIGINT FROM repeats)),
        ('quantity', 'refunds: a row of a credit note; made positive',
            (SELECT count(*) FROM lines WHERE quantity < 0 AND price > 0)),
        ('price', 'refunds: a row of a credit note with price 0; not loaded',
            (SELECT count(*) FROM lines WHERE quantity < 0 AND price = 0)),
        ('invoice', 'refunds: matched to the latest earlier order item of the customer that covers it',
            (SELECT count(*) FROM returns)),
        ('invoice', 'refunds: no earlier order item of the customer covers it; kept without an order',
            (SELECT count(*) FROM lines ANTI JOIN returns USING (line) WHERE quantity < 0 AND price > 0)),
        ('customer', 'orders and credit notes: no customer number; each gets a guest of its own',
            (SELECT count(*) FROM invoices WHERE customer IS NULL)),
        ('customer', 'users: no e-mail; set to an unreachable placeholder (…@no-email.invalid)',
            (SELECT count(*) FROM customers)),
        ('invoice_date', 'orders: on or after as_of; loaded, not reported',
            (SELECT count(*) FROM invoices WHERE sale_line IS NOT NULL AND order_date >= $as_of::DATE))
)

SELECT 'lines' AS source, field, note, cases FROM decisions
