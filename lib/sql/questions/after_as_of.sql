-- Number of orders dated on or after :as_of: loaded, but not part of any report.
SELECT count(*) AS orders FROM orders WHERE order_date >= CAST(:as_of AS date)::timestamp AT TIME ZONE 'UTC'
