-- warning: Visits that do not start with a session_start, skip the order of the steps, or purchase without all steps.
-- needs: visits
SELECT session_id, begun
FROM visits
WHERE started IS DISTINCT FROM begun
    OR started >= least(viewed, carted, checked_out, purchased)
    OR viewed >= least(carted, checked_out, purchased)
    OR carted >= least(checked_out, purchased)
    OR checked_out >= purchased
    OR (purchased IS NOT NULL AND num_nulls(viewed, carted, checked_out) > 0)
