-- The events of a group of customers.
SELECT session_id, event_type FROM written_events WHERE hash(user_id) % $groups = $number
