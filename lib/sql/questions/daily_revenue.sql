-- Revenue (net sales) per day before :as_of.
SELECT date, revenue FROM daily_kpis WHERE date < :as_of ORDER BY date
