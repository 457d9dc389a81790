-- Revenue change from the previous period to this one, split into volume, price, mix and returns; one row.
-- volume: change in units sold x previous mean price per unit.
-- price: units of this period x change in the product's mean price, over the products sold in both periods.
-- mix: a shift to more or less expensive products, the rest of the change in sales before returns.
-- returns: the change in returns; previous_revenue + volume + price + mix + returns = revenue.
WITH
lines AS (
    SELECT
        *,
        occurred_at >= day_start(CAST(:start AS date)) AS in_period,
        occurred_at >= day_start(CAST(:previous_start AS date))
            AND occurred_at < day_start(CAST(:previous_end AS date)) AS in_previous
    FROM sold_items()
    WHERE kind = 'sale'
        AND occurred_at >= day_start(LEAST(CAST(:start AS date), CAST(:previous_start AS date)))
        AND occurred_at < day_start(CAST(:end AS date))
),
sold AS (
    SELECT
        product_id,
        sum(units) FILTER (WHERE in_period) AS units,
        sum(amount) FILTER (WHERE in_period) AS sales,
        sum(units) FILTER (WHERE in_previous) AS previous_units,
        sum(amount) FILTER (WHERE in_previous) AS previous_sales
    FROM lines
    GROUP BY product_id
),
sums AS (
    SELECT
        coalesce(sum(sales), 0) AS sales,
        coalesce(sum(units), 0) AS units,
        coalesce(sum(previous_sales), 0) AS previous_sales,
        coalesce(sum(previous_units), 0) AS previous_units,
        round(coalesce(sum(units * (sales / units - previous_sales / previous_units)), 0), 3) AS price
    FROM sold
),
effects AS (
    SELECT
        sales,
        previous_sales,
        coalesce(round((units - previous_units) * previous_sales / nullif(previous_units, 0), 3), sales) AS volume,
        price
    FROM sums
),
returned AS (
    SELECT
        coalesce(sum(returns) FILTER (WHERE date >= :start AND date < :end), 0) AS returns,
        coalesce(sum(returns) FILTER (WHERE date >= :previous_start AND date < :previous_end), 0) AS previous_returns
    FROM daily_kpis
),
final AS (
    SELECT
        previous_sales - previous_returns AS previous_revenue,
        volume,
        price,
        sales - previous_sales - volume - price AS mix,
        previous_returns - returns AS returns,
        sales - returns AS revenue
    FROM effects CROSS JOIN returned
)
SELECT * FROM final
