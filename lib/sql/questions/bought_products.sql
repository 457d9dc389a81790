-- Products of each customer's orders before :as_of, one row per order and product.
-- order_number: position among the customer's days with an order, 1 for the first: all orders of a day are one purchase.
-- Guests and orders of amount 0 do not count.
WITH
numbered AS (
    SELECT
        user_id,
        order_id,
        dense_rank() OVER (PARTITION BY user_id ORDER BY shop_day(order_date))::integer AS order_number
    FROM customer_orders()
    WHERE order_date < day_start(CAST(:as_of AS date))
),
final AS (
    SELECT DISTINCT user_id, order_id, order_number, product_id FROM numbered JOIN order_items USING (order_id)
)
SELECT user_id::text AS user_id, order_id::text AS order_id, order_number, product_id::text AS product_id
FROM final
ORDER BY final.user_id, order_number, final.product_id
