-- error: Visits with events of more than one customer.
SELECT session_id, count(*) AS customers
FROM (SELECT DISTINCT session_id, user_id FROM events) AS visitors
GROUP BY session_id
HAVING count(*) > 1
