-- What is loaded as it is and worth knowing: source, field, words, cases.
SELECT 'orders' AS source, 'order_date' AS field, 'orders: on or after as_of; loaded, not reported' AS note, count(*) AS cases
FROM orders
WHERE order_date >= $as_of::DATE
