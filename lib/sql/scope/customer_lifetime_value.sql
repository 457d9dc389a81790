-- Sources of customer_lifetime_value for the affected customers: mart_users, and mart_orders with all of their orders.
CREATE TEMPORARY TABLE mart_orders ON COMMIT DROP AS
SELECT placed.* FROM public.orders AS placed JOIN affected_customers USING (user_id);

CREATE TEMPORARY TABLE mart_users ON COMMIT DROP AS
SELECT present.* FROM public.users AS present JOIN affected_customers USING (user_id);

ANALYZE mart_orders, mart_users
