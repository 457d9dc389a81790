-- Number of orders dated on or after :as_of: loaded, but not part of any report.
SELECT count(*) AS orders FROM orders WHERE order_date >= day_start(CAST(:as_of AS date))
