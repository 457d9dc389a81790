-- Revenue (net sales), orders and returns per calendar month before :as_of. complete: the month has ended.
SELECT
    date_trunc('month', date)::date AS month,
    sum(revenue) AS revenue,
    sum(orders) AS orders,
    sum(returns) AS returns,
    date_trunc('month', date)::date + interval '1 month' <= :as_of AS complete
FROM daily_kpis
WHERE date < :as_of
GROUP BY date_trunc('month', date)
ORDER BY month
