-- The first day before :as_of whose sales are not all known yet: :as_of itself where every order placed is a sale.
-- Where only completed orders are, a day is mature once at most 1 % of its orders are expected to change: those still
-- pending or shipped (of the week up to the day, beyond the usual share of older orders), and those to be refunded as
-- late as orders from 60 to 240 days before :as_of were.
WITH
placed AS (
    SELECT order_id, status, shop_day(order_date) AS date, CAST(:as_of AS date) - shop_day(order_date) AS age
    FROM orders
    WHERE order_date >= day_start(CAST(:as_of AS date) - 240) AND order_date < day_start(CAST(:as_of AS date))
),
older AS (
    SELECT count(*) AS orders, count(*) FILTER (WHERE status IN ('pending', 'shipped')) AS unfinished
    FROM placed
    WHERE age > 60
),
delays AS (
    SELECT placed.order_id, max(shop_day(refund_date)) - placed.date AS delay
    FROM placed JOIN refunds USING (order_id)
    WHERE age > 60 AND status = 'refunded'
    GROUP BY placed.order_id, placed.date
),
ages AS (
    SELECT age, count(*) AS orders, count(*) FILTER (WHERE status IN ('pending', 'shipped')) AS unfinished
    FROM placed
    WHERE age <= 67
    GROUP BY age
),
expected AS (
    SELECT
        age,
        sum(unfinished) OVER week / sum(orders) OVER week
            - coalesce((SELECT unfinished::numeric / nullif(orders, 0) FROM older), 0)
            + coalesce(
                (SELECT count(*) FROM delays WHERE delay > age)::numeric / nullif((SELECT orders FROM older), 0), 0
            ) AS share
    FROM ages
    WINDOW week AS (ORDER BY age RANGE BETWEEN CURRENT ROW AND 6 FOLLOWING)
)
SELECT CAST(:as_of AS date) - coalesce(max(age), 0) AS mature_until
FROM expected
WHERE share > 0.01 AND age <= 60 AND NOT is_sale('')
