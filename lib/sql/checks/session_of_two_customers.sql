-- warning: Visits with events of more than one customer.
SELECT session_id, begun FROM visits WHERE shared
