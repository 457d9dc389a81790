-- Adds the old and new first-order days of customers whose first completed order changed, days missing in daily_kpis,
-- and days of daily_kpis outside the range of the data.
INSERT INTO affected_days
WITH
firsts AS (
    SELECT user_id, min((order_date AT TIME ZONE 'UTC')::date) AS date
    FROM public.orders JOIN affected_customers USING (user_id)
    WHERE status = 'completed'
    GROUP BY user_id
),
moved AS (
    SELECT first_days.date AS before, firsts.date AS after
    FROM first_days FULL JOIN firsts USING (user_id)
    WHERE first_days.date IS DISTINCT FROM firsts.date
),
span AS (
    SELECT min(low) AS low, max(high) AS high
    FROM (
        SELECT min((order_date AT TIME ZONE 'UTC')::date) AS low, max((order_date AT TIME ZONE 'UTC')::date) AS high
        FROM public.orders
        UNION ALL SELECT min(signup_date), max(signup_date) FROM public.users
        UNION ALL SELECT min((begun AT TIME ZONE 'UTC')::date), max((begun AT TIME ZONE 'UTC')::date) FROM visits
    ) AS seen
),
final AS (
    SELECT before AS date FROM moved
    UNION SELECT after FROM moved
    UNION SELECT day::date FROM span, generate_series(low, high, interval '1 day') AS day
    WHERE NOT EXISTS (SELECT FROM public.daily_kpis WHERE daily_kpis.date = day::date)
    UNION SELECT date FROM public.daily_kpis, span WHERE date < low OR date > high OR low IS NULL
)
SELECT date FROM final WHERE date IS NOT NULL
ON CONFLICT DO NOTHING
