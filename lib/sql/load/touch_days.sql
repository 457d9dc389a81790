-- Adds the days on which touched orders, sign-ups and visits are dated now: once before the rows are added, once after.
INSERT INTO touched_days
SELECT (order_date AT TIME ZONE 'UTC')::date FROM public.orders JOIN touched_orders USING (order_id)
UNION SELECT present.signup_date FROM public.users AS present JOIN added_users USING (user_id)
UNION SELECT min((event_timestamp AT TIME ZONE 'UTC')::date)
FROM public.events JOIN touched_visits USING (session_id)
GROUP BY session_id
ON CONFLICT DO NOTHING
