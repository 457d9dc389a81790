-- First and last day with a sale or return before :as_of; one row, NULL without any.
SELECT min(date) AS first_day, max(date) AS last_day
FROM daily_kpis
WHERE date < :as_of AND orders + free_orders + refunded_orders + cancelled_orders > 0
