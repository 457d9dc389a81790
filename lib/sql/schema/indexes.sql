-- Indexes on what reports filter and join by.

CREATE INDEX users_signup_date_idx ON users (signup_date);
CREATE INDEX orders_user_id_idx ON orders (user_id);
CREATE INDEX orders_order_date_idx ON orders (order_date);
CREATE INDEX order_items_order_id_idx ON order_items (order_id);
CREATE INDEX order_items_product_id_idx ON order_items (product_id);
CREATE INDEX events_event_timestamp_idx ON events (event_timestamp);
CREATE INDEX events_session_id_idx ON events (session_id);
CREATE INDEX events_order_id_idx ON events (order_id) WHERE order_id IS NOT NULL;
