-- Completed orders of guests before :as_of: orders (of an amount above 0), revenue, and its share of the shop's; one row.
-- Guests have no customer number or address, so that nothing follows them over time.
SELECT
    count(*) FILTER (WHERE is_guest AND total_amount > 0) AS orders,
    coalesce(sum(total_amount) FILTER (WHERE is_guest), 0) AS revenue,
    coalesce(sum(total_amount) FILTER (WHERE is_guest) / nullif(sum(total_amount), 0), 0)::double precision AS share
FROM orders JOIN users USING (user_id)
WHERE status = 'completed' AND order_date < day_start(CAST(:as_of AS date))
