-- warning: Sessions longer than one day.
-- needs: sessions
SELECT session_id, started_at, ended_at FROM sessions WHERE ended_at - started_at > interval '1 day'
