-- Sales to guests before :as_of: orders (of an amount above 0), revenue (net sales), and its share of the shop's; one row.
-- Guests have no customer number or address, so that nothing follows them over time.
SELECT
    coalesce(sum(orders) FILTER (WHERE is_guest), 0) AS orders,
    coalesce(sum(amount) FILTER (WHERE is_guest), 0) AS revenue,
    coalesce(sum(amount) FILTER (WHERE is_guest) / nullif(sum(amount), 0), 0)::double precision AS share
FROM sales() JOIN users USING (user_id)
WHERE occurred_at < day_start(CAST(:as_of AS date))
