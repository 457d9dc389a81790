-- warning: Refunds dated on or after as_of: loaded, but not in any report.
SELECT refund_id, refund_date FROM refunds WHERE refund_date >= day_start(CAST(:as_of AS date))
