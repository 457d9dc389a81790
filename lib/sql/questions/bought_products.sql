-- Products of the completed orders before :as_of of at most :most customers, chosen as if by lot, always the same ones.
-- order_number: 1 for a customer's first order, then up.
WITH
buyers AS (
    SELECT user_id
    FROM customer_lifetime_value
    WHERE orders > 0
    ORDER BY uuid_hash_extended(user_id, 0), user_id
    LIMIT :most
),
numbered AS (
    SELECT
        user_id,
        order_id,
        row_number() OVER (PARTITION BY user_id ORDER BY order_date, order_id)::integer AS order_number
    FROM orders JOIN buyers USING (user_id)
    WHERE status = 'completed' AND order_date < CAST(:as_of AS date)::timestamp AT TIME ZONE 'UTC'
),
final AS (
    SELECT DISTINCT
        user_id::text AS user_id,
        order_id::text AS order_id,
        order_number,
        product_id::text AS product_id
    FROM numbered JOIN order_items USING (order_id)
)
SELECT * FROM final ORDER BY user_id COLLATE "C", order_number, product_id COLLATE "C"
