-- From gross sales to total sales, from :start up to, not including, :end; one row.
-- revenue (net sales) = gross_sales - discounts - refunds - cancellations - credit_notes; total_sales = revenue +
-- shipping + taxes. cost: cost of goods of the products that have one, whose revenue is costed_revenue.
-- campaign_spend: spend of the campaigns, each spread evenly over its days.
WITH
days AS (
    SELECT
        coalesce(sum(gross_sales), 0) AS gross_sales,
        coalesce(sum(discounts), 0) AS discounts,
        coalesce(sum(revenue), 0) AS revenue,
        coalesce(sum(shipping), 0) AS shipping,
        coalesce(sum(taxes), 0) AS taxes,
        coalesce(sum(cost), 0) AS cost,
        coalesce(sum(costed_revenue), 0) AS costed_revenue,
        coalesce(sum(orders), 0) AS orders
    FROM daily_kpis
    WHERE date >= :start AND date < :end
),
returned AS (
    SELECT
        coalesce(-sum(amount) FILTER (WHERE kind = 'refund'), 0) AS refunds,
        coalesce(-sum(amount) FILTER (WHERE kind = 'cancellation'), 0) AS cancellations,
        coalesce(-sum(amount) FILTER (WHERE kind = 'credit note'), 0) AS credit_notes
    FROM sales()
    WHERE occurred_at >= day_start(CAST(:start AS date))
        AND occurred_at < day_start(CAST(:end AS date))
),
advertised AS (
    SELECT coalesce(
        sum(
            spend * (LEAST(end_date + 1, CAST(:end AS date)) - GREATEST(start_date, CAST(:start AS date)))
            / (end_date + 1 - start_date)
        ), 0
    ) AS campaign_spend
    FROM marketing_campaigns
    WHERE start_date < :end AND end_date >= :start
),
final AS (
    SELECT
        gross_sales, discounts, refunds, cancellations, credit_notes, revenue, shipping, taxes,
        revenue + shipping + taxes AS total_sales,
        cost, costed_revenue, campaign_spend, orders
    FROM days CROSS JOIN returned CROSS JOIN advertised
)
SELECT * FROM final
