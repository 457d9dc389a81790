-- warning: Visits that do not begin with a session_start, do not reach the steps one after another, or buy without all.
WITH visits AS (
    SELECT
        session_id,
        min(event_timestamp) AS begun,
        min(event_timestamp) FILTER (WHERE event_type = 'session_start') AS started,
        min(event_timestamp) FILTER (WHERE event_type = 'product_view') AS viewed,
        min(event_timestamp) FILTER (WHERE event_type = 'add_to_cart') AS carted,
        min(event_timestamp) FILTER (WHERE event_type = 'checkout') AS checked_out,
        min(event_timestamp) FILTER (WHERE event_type = 'purchase') AS purchased
    FROM events
    GROUP BY session_id
)
SELECT * FROM visits
WHERE started IS DISTINCT FROM begun
    OR started >= least(viewed, carted, checked_out, purchased)
    OR viewed >= least(carted, checked_out, purchased)
    OR carted >= least(checked_out, purchased)
    OR checked_out >= purchased
    OR (purchased IS NOT NULL AND num_nulls(viewed, carted, checked_out) > 0)
