-- In the place of the tables that the mart asks: all orders of the customers who ordered on a touched day, and sign-ups of
-- those days; with the first and the last of all, so that the mart spans the days that it would over everything.
CREATE TEMPORARY TABLE orders ON COMMIT DROP AS
WITH customers AS (
    SELECT DISTINCT placed.user_id
    FROM touched_days
    JOIN public.orders AS placed ON placed.order_date >= touched_days.date::timestamp AT TIME ZONE 'UTC'
        AND placed.order_date < (touched_days.date + 1)::timestamp AT TIME ZONE 'UTC'
)
SELECT * FROM public.orders AS placed
WHERE placed.user_id IN (SELECT user_id FROM customers)
    OR placed.order_date IN ((SELECT min(order_date) FROM public.orders), (SELECT max(order_date) FROM public.orders));

CREATE TEMPORARY TABLE users ON COMMIT DROP AS
SELECT * FROM public.users AS present
WHERE present.signup_date IN (SELECT date FROM touched_days)
    OR present.signup_date IN ((SELECT min(signup_date) FROM public.users), (SELECT max(signup_date) FROM public.users));

ANALYZE orders, users
