-- warning: Visits that last longer than a day.
SELECT session_id, begun, ended FROM visits WHERE ended - begun > interval '1 day'
