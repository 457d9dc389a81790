-- How new the values are that orders give their customers: an order with a country before those without. Two orders of
-- the same time are in the order of their keys, as in lib/sql/imports; of two states of an order, the later one counts.
SELECT user_id AS key, ROW(shipping_country_code IS NOT NULL, order_date, order_id, {stage}) AS as_of FROM {orders}
