-- How new the values are that sales give their products: a sale at a list price above 0 before those of free items.
SELECT product_id AS key, ROW(price_at_time + discount > 0, order_date, order_id, {stage}) AS as_of
FROM {order_items}
JOIN {orders} USING (order_id)
