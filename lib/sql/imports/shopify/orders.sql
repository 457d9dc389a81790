-- One row per order, in the order of their first lines; its total is the subtotal: after discounts, without shipping.
SELECT
    key_of('order', lines.name) AS order_id,
    key_of('user', customers.customer) AS user_id,
    lines.created_at AS order_date,
    CASE
        WHEN lines.cancelled_at IS NOT NULL OR lines.financial_status = 'voided' THEN 'cancelled'
        WHEN lines.financial_status = 'refunded' THEN 'refunded'
        WHEN lines.financial_status IN ('paid', 'partially_refunded') THEN 'completed'
        WHEN lines.fulfillment_status = 'fulfilled' THEN 'shipped'
        ELSE 'pending'
    END AS status,
    lines.subtotal AS total_amount,
    coalesce(lines.shipping_country, lines.billing_country) AS shipping_country_code,
    coalesce(lines.shipping_city, lines.billing_city) AS shipping_city
FROM customers
JOIN lines USING (line)
ORDER BY line
