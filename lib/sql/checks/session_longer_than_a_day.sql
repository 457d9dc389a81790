-- warning: Visits longer than a day.
-- needs: visits
SELECT session_id, begun, ended FROM visits WHERE ended - begun > interval '1 day'
