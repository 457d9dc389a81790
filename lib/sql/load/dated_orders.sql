-- How new the states of orders are.
SELECT order_id AS key, ROW({stage}) AS as_of FROM {orders}
