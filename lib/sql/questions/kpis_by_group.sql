-- Sums of the days from :start up to, not including, :end, and of those from :previous_start up to :previous_end, by group
-- of customers: a bootstrap over the groups shows how far the KPIs of the two periods differ by chance. The last digits of
-- a customer's key choose one of 200 groups. sales: before returns. Guests are not customers.
WITH
lines AS (
    SELECT
        *,
        occurred_at >= day_start(CAST(:start AS date)) AND occurred_at < day_start(CAST(:end AS date)) AS in_period,
        occurred_at >= day_start(CAST(:previous_start AS date))
            AND occurred_at < day_start(CAST(:previous_end AS date)) AS in_previous
    FROM sales()
    WHERE occurred_at >= day_start(LEAST(CAST(:start AS date), CAST(:previous_start AS date)))
        AND occurred_at < day_start(GREATEST(CAST(:end AS date), CAST(:previous_end AS date)))
),
first_orders AS (
    SELECT user_id, min(order_date) AS first_order FROM customer_orders() GROUP BY user_id
),
customers AS (
    SELECT
        user_id,
        sum(amount) FILTER (WHERE in_period) AS revenue,
        sum(amount) FILTER (WHERE in_previous) AS previous_revenue,
        sum(orders) FILTER (WHERE in_period) AS orders,
        sum(orders) FILTER (WHERE in_previous) AS previous_orders,
        sum(amount) FILTER (WHERE in_period AND kind = 'sale') AS sales,
        sum(amount) FILTER (WHERE in_previous AND kind = 'sale') AS previous_sales,
        -sum(amount) FILTER (WHERE in_period AND kind IN ('refund', 'credit note')) AS refunded_amount,
        -sum(amount) FILTER (WHERE in_previous AND kind IN ('refund', 'credit note')) AS previous_refunded_amount,
        count(DISTINCT order_id) FILTER (WHERE in_period AND kind = 'cancellation') AS cancelled_orders,
        count(DISTINCT order_id) FILTER (WHERE in_previous AND kind = 'cancellation') AS previous_cancelled_orders
    FROM lines
    WHERE in_period OR in_previous
    GROUP BY user_id
),
final AS (
    SELECT
        ('x' || right(user_id::text, 4))::bit(16)::integer % 200 AS "group",
        coalesce(sum(revenue), 0)::double precision AS revenue,
        coalesce(sum(previous_revenue), 0)::double precision AS previous_revenue,
        coalesce(sum(orders), 0)::integer AS orders,
        coalesce(sum(previous_orders), 0)::integer AS previous_orders,
        coalesce(sum(sales), 0)::double precision AS sales,
        coalesce(sum(previous_sales), 0)::double precision AS previous_sales,
        coalesce(sum(refunded_amount), 0)::double precision AS refunded_amount,
        coalesce(sum(previous_refunded_amount), 0)::double precision AS previous_refunded_amount,
        sum(cancelled_orders)::integer AS cancelled_orders,
        sum(previous_cancelled_orders)::integer AS previous_cancelled_orders,
        (count(first_order) FILTER (WHERE orders > 0))::integer AS active_customers,
        (count(first_order) FILTER (WHERE previous_orders > 0))::integer AS previous_active_customers,
        (
            count(first_order) FILTER (WHERE orders > 0 AND first_order >= day_start(CAST(:start AS date)))
        )::integer AS new_customers,
        (
            count(first_order)
                FILTER (WHERE previous_orders > 0 AND first_order >= day_start(CAST(:previous_start AS date)))
        )::integer AS previous_new_customers
    FROM customers LEFT JOIN first_orders USING (user_id)
    GROUP BY 1
)
SELECT * FROM final ORDER BY "group"
