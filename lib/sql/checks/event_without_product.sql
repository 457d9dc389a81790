-- warning: Product views and additions to the cart without a product.
SELECT event_id, event_type, event_timestamp
FROM events
WHERE event_type IN ('product_view', 'add_to_cart') AND product_id IS NULL
