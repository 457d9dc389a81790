-- warning: Events dated on or after as_of: loaded, but not in any report.
SELECT event_id, event_timestamp FROM events WHERE event_timestamp >= day_start(CAST(:as_of AS date))
