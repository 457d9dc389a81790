-- warning: Events dated before their customer signed up.
SELECT events.event_id, events.event_timestamp, users.signup_date
FROM events JOIN users USING (user_id)
WHERE shop_day(events.event_timestamp) < users.signup_date
