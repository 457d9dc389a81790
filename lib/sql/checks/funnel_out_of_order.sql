-- warning: Sessions not starting with session_start, with steps out of order, or with a purchase but a step missing.
-- needs: sessions
SELECT session_id, started_at
FROM sessions
WHERE session_start IS DISTINCT FROM started_at
    OR session_start >= least(product_view, add_to_cart, checkout, purchase)
    OR product_view >= least(add_to_cart, checkout, purchase)
    OR add_to_cart >= least(checkout, purchase)
    OR checkout >= purchase
    OR (purchase IS NOT NULL AND num_nulls(product_view, add_to_cart, checkout) > 0)
