-- Sources of daily_kpis for the affected days: mart_orders with all orders of the customers who ordered on an affected day,
-- mart_users with the sign-ups of those days; plus the first and last rows of all, so that the mart spans the same days.
CREATE TEMPORARY TABLE mart_orders ON COMMIT DROP AS
WITH customers AS (
    SELECT DISTINCT placed.user_id
    FROM affected_days
    JOIN public.orders AS placed ON placed.order_date >= affected_days.date::timestamp AT TIME ZONE 'UTC'
        AND placed.order_date < (affected_days.date + 1)::timestamp AT TIME ZONE 'UTC'
)
SELECT * FROM public.orders AS placed
WHERE placed.user_id IN (SELECT user_id FROM customers)
    OR placed.order_date IN ((SELECT min(order_date) FROM public.orders), (SELECT max(order_date) FROM public.orders));

CREATE TEMPORARY TABLE mart_users ON COMMIT DROP AS
SELECT * FROM public.users AS present
WHERE present.signup_date IN (SELECT date FROM affected_days)
    OR present.signup_date IN ((SELECT min(signup_date) FROM public.users), (SELECT max(signup_date) FROM public.users));

ANALYZE mart_orders, mart_users
