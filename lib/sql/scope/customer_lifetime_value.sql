-- In the place of the tables that the mart asks: the touched customers and all orders of theirs.
CREATE TEMPORARY TABLE orders ON COMMIT DROP AS
SELECT placed.* FROM public.orders AS placed JOIN touched_customers USING (user_id);

CREATE TEMPORARY TABLE users ON COMMIT DROP AS
SELECT present.* FROM public.users AS present JOIN touched_customers USING (user_id);

ANALYZE orders, users
