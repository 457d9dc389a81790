-- warning: Events dated before their customer signed up.
SELECT events.event_id, events.event_timestamp, users.signup_date
FROM events JOIN users USING (user_id)
WHERE (events.event_timestamp AT TIME ZONE 'UTC')::date < users.signup_date
