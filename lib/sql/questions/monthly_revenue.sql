-- Revenue (completed orders), orders and refunds per calendar month before :as_of. complete: the month has ended.
SELECT
    date_trunc('month', date)::date AS month,
    sum(revenue) AS revenue,
    sum(orders) AS orders,
    sum(refunded_amount) AS refunded_amount,
    date_trunc('month', date)::date + interval '1 month' <= :as_of AS complete
FROM daily_kpis
WHERE date < :as_of
GROUP BY date_trunc('month', date)
ORDER BY month
