-- Strikes events of a visit that an earlier line gives to another customer.
INSERT INTO struck_events
WITH owners AS (
    SELECT session_id, min_by(user_id, line) AS user_id, min(line) AS line
    FROM events
    GROUP BY session_id
    HAVING count(DISTINCT user_id) > 1
)

SELECT
    events.line, 'user_id' AS field, 'session_of_two_customers' AS rule, events.user_id::VARCHAR AS value,
    format('line {{}} gives this visit to another customer; a visit belongs to one', owners.line) AS reason, false AS fallen
FROM events
JOIN owners USING (session_id)
WHERE events.user_id <> owners.user_id
