-- Copy the scores into the mart; NULL where a customer has none. The names in braces come from the catalog.
WITH rounded AS (
    SELECT
        user_id, predicted_orders, shop_amount(predicted_value) AS predicted_value, churn_risk, rfm_segment,
        model_version, predicted_as_of
    FROM scores
)
UPDATE public.customer_lifetime_value AS mart
SET {changes}, updated_at = now()
FROM (
    SELECT present.user_id AS key, rounded.*
    FROM public.customer_lifetime_value AS present LEFT JOIN rounded USING (user_id)
) AS new
WHERE mart.user_id = new.key AND ({present_columns}) IS DISTINCT FROM ({new_columns})
