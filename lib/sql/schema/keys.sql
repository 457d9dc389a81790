-- Primary keys, unique keys and foreign keys; one statement per constraint, each named, so that one present is skipped.

ALTER TABLE users ADD CONSTRAINT users_pkey PRIMARY KEY (user_id);
ALTER TABLE users ADD CONSTRAINT users_email_key UNIQUE (email);
ALTER TABLE products ADD CONSTRAINT products_pkey PRIMARY KEY (product_id);
ALTER TABLE marketing_campaigns ADD CONSTRAINT marketing_campaigns_pkey PRIMARY KEY (campaign_id);
ALTER TABLE orders ADD CONSTRAINT orders_pkey PRIMARY KEY (order_id);
ALTER TABLE order_items ADD CONSTRAINT order_items_pkey PRIMARY KEY (order_item_id);
ALTER TABLE events ADD CONSTRAINT events_pkey PRIMARY KEY (event_id);
ALTER TABLE daily_kpis ADD CONSTRAINT daily_kpis_pkey PRIMARY KEY (date);
ALTER TABLE customer_lifetime_value ADD CONSTRAINT customer_lifetime_value_pkey PRIMARY KEY (user_id);

ALTER TABLE users ADD CONSTRAINT users_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES marketing_campaigns (campaign_id);
ALTER TABLE orders ADD CONSTRAINT orders_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (user_id);
ALTER TABLE orders ADD CONSTRAINT orders_campaign_id_fkey FOREIGN KEY (campaign_id) REFERENCES marketing_campaigns (campaign_id);
ALTER TABLE order_items ADD CONSTRAINT order_items_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id);
ALTER TABLE order_items ADD CONSTRAINT order_items_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (product_id);
ALTER TABLE events ADD CONSTRAINT events_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (user_id);
ALTER TABLE events ADD CONSTRAINT events_product_id_fkey FOREIGN KEY (product_id) REFERENCES products (product_id);
ALTER TABLE events ADD CONSTRAINT events_order_id_fkey FOREIGN KEY (order_id) REFERENCES orders (order_id);
ALTER TABLE customer_lifetime_value ADD CONSTRAINT customer_lifetime_value_user_id_fkey FOREIGN KEY (user_id) REFERENCES users (user_id);
