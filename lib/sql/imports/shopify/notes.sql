-- What had to be decided: field, the decision in words, cases.
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
            row('financial_status', 'orders: refunded in part; counted in full',
                (SELECT count(*) FROM orders WHERE financial_status = 'partially_refunded')),
            row('email', 'users: an order without e-mail has a customer of its own, with an unreachable placeholder',
                (SELECT count(*) FROM customers WHERE email IS NULL)),
            row('email', 'users: an address in several spellings; the first is kept',
                (SELECT count(*) FROM (SELECT customer FROM customers GROUP BY customer HAVING count(DISTINCT email) > 1))),
            row('created_at', 'orders: on or after as_of; loaded, not reported',
                (SELECT count(*) FROM orders WHERE created_at >= $as_of::DATE))
        ]) AS decision
)

SELECT 'lines' AS source, decision[1] AS field, decision[2] AS note, decision[3] AS cases FROM decisions
