-- Strikes events dated before the day, in UTC, on which their customer signed up.
INSERT INTO struck_events
SELECT
    events.line, 'event_timestamp' AS field, 'before_signup' AS rule, events.event_timestamp::VARCHAR AS value,
    format('its customer signed up on {{}}; correct this date or signup_date', users.signup_date) AS reason,
    false AS fallen
FROM events
JOIN users USING (user_id)
WHERE events.event_timestamp::DATE < users.signup_date
