-- Adds the days of affected orders, sign-ups and visits. Runs once before and once after the rows are merged.
INSERT INTO affected_days
SELECT (order_date AT TIME ZONE 'UTC')::date FROM public.orders JOIN affected_orders USING (order_id)
UNION SELECT present.signup_date FROM public.users AS present JOIN added_users USING (user_id)
UNION SELECT min((event_timestamp AT TIME ZONE 'UTC')::date)
FROM public.events JOIN affected_visits USING (session_id)
GROUP BY session_id
ON CONFLICT DO NOTHING
