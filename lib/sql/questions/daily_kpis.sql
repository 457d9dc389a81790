-- Measures of daily_kpis per day from :start up to, not including, :end.
SELECT
    date, gross_sales, discounts, returns, revenue, shipping, taxes, orders, units, costed_revenue, cost,
    active_customers, new_customers, signups, sessions, converted_sessions, free_orders
FROM daily_kpis
WHERE date >= :start AND date < :end
ORDER BY date
