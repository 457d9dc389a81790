-- What had to be decided: field, the decision in words, cases.
WITH invoices AS (
    SELECT invoice, count(DISTINCT invoice_date) AS instants, min_by(invoice_date, line) AS order_date
    FROM lines
    GROUP BY invoice
),

products AS (
    SELECT product_code, count(DISTINCT description) AS descriptions FROM lines GROUP BY product_code
),

customers AS (
    SELECT customer, count(DISTINCT coalesce(country, '')) AS countries FROM lines GROUP BY customer
),

repeats AS (
    SELECT count(*) - 1 AS lines
    FROM lines
    GROUP BY invoice, product_code, quantity, price, invoice_date
),

decisions AS (
    SELECT
        unnest([
            row('invoice_date', 'orders: lines with different instants; the first line''s is kept',
                (SELECT count(*) FROM invoices WHERE instants > 1)),
            row('country', 'users: several countries; the latest line''s is kept',
                (SELECT count(*) FROM customers WHERE countries > 1)),
            row('description', 'products: several descriptions; the most frequent is kept',
                (SELECT count(*) FROM products WHERE descriptions > 1)),
            row('description', 'products: no description; named by the stock code',
                (SELECT count(*) FROM products WHERE descriptions = 0)),
            row('price', 'products: list price unknown; the latest price it was sold at stands in',
                (SELECT count(*) FROM products)),
            row('price', 'order_items: list price unknown; the discount is 0.00', (SELECT count(*) FROM lines)),
            row('quantity', 'order_items: repeats of an identical line, kept',
                (SELECT coalesce(sum(lines), 0)::BIGINT FROM repeats)),
            row('quantity', 'order_items: made positive on a cancelled invoice',
                (SELECT count(*) FROM lines WHERE quantity < 0)),
            row('invoice', 'orders: cancelled; the source does not say which order they take back',
                (SELECT count(*) FROM invoices WHERE starts_with(invoice, 'C'))),
            row('customer', 'users: no e-mail; an unreachable placeholder (…@no-email.invalid) stands in',
                (SELECT count(*) FROM customers)),
            row('invoice_date', 'orders: on or after as_of; loaded, not reported',
                (SELECT count(*) FROM invoices WHERE order_date >= $as_of::DATE))
        ]) AS decision
)

SELECT 'lines' AS source, decision[1] AS field, decision[2] AS note, decision[3] AS cases FROM decisions
