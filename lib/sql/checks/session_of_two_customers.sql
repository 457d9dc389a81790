-- warning: Sessions with events of more than one customer.
-- needs: sessions
SELECT session_id, started_at FROM sessions WHERE has_several_customers
