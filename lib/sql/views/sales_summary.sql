-- One row per day: the daily KPIs with the week and month that charting tools group by.
CREATE VIEW sales_summary AS
SELECT
    date,
    date_trunc('week', date)::date AS week,
    date_trunc('month', date)::date AS month,
    orders,
    revenue,
    units,
    avg_order_value,
    costed_revenue - cost AS gross_profit,
    active_customers,
    new_customers,
    sessions,
    conversion_rate,
    cancelled_orders,
    refunded_orders,
    refunded_amount,
    free_orders,
    gross_sales,
    discounts,
    returns,
    shipping,
    taxes
FROM daily_kpis;
COMMENT ON VIEW sales_summary IS 'One row per day of the shop with its week and month: orders, revenue (net sales) and what it is made of, customers and sessions.'
