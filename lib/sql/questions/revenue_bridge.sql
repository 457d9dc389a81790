-- Revenue change from the previous period to this one, split into volume, price and mix; one row.
-- volume: change in units sold x previous mean price per unit.
-- price: units of this period x change in the product's mean price, over the products sold in both periods.
-- mix: the rest, a shift to more or less expensive products; previous_revenue + volume + price + mix = revenue.
WITH
placed AS (
    SELECT
        orders.*,
        order_date >= day_start(CAST(:start AS date))
            AND order_date < day_start(CAST(:end AS date)) AS in_period,
        order_date >= day_start(CAST(:previous_start AS date))
            AND order_date < day_start(CAST(:previous_end AS date)) AS in_previous
    FROM orders
    WHERE status = 'completed'
        AND order_date >= day_start(LEAST(CAST(:start AS date), CAST(:previous_start AS date)))
        AND order_date < day_start(CAST(:end AS date))
),
sold AS (
    SELECT
        order_items.product_id,
        sum(quantity) FILTER (WHERE in_period) AS units,
        sum(quantity * price_at_time) FILTER (WHERE in_period) AS revenue,
        sum(quantity) FILTER (WHERE in_previous) AS previous_units,
        sum(quantity * price_at_time) FILTER (WHERE in_previous) AS previous_revenue
    FROM placed JOIN order_items USING (order_id)
    GROUP BY order_items.product_id
),
sums AS (
    SELECT
        coalesce(sum(revenue), 0) AS revenue,
        coalesce(sum(units), 0) AS units,
        coalesce(sum(previous_revenue), 0) AS previous_revenue,
        coalesce(sum(previous_units), 0) AS previous_units,
        round(coalesce(sum(units * (revenue / units - previous_revenue / previous_units)), 0), 2) AS price
    FROM sold
),
effects AS (
    SELECT
        previous_revenue,
        coalesce(round((units - previous_units) * previous_revenue / nullif(previous_units, 0), 2), revenue) AS volume,
        price,
        revenue
    FROM sums
),
final AS (
    SELECT previous_revenue, volume, price, revenue - previous_revenue - volume - price AS mix, revenue FROM effects
)
SELECT * FROM final
