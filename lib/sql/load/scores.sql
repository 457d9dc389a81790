-- Temporary table that receives the scores on their way to the mart.
CREATE TEMPORARY TABLE scores ON COMMIT DROP AS
SELECT user_id, predicted_orders, predicted_value, churn_risk, rfm_segment, model_version, predicted_as_of
FROM public.customer_lifetime_value
LIMIT 0
