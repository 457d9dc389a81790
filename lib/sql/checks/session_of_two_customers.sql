-- warning: Visits with events of several customers.
-- needs: visits
SELECT session_id, begun FROM visits WHERE shared
