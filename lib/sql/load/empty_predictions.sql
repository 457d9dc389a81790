-- Takes the predictions out of the mart: they were made from the rows of before.
UPDATE customer_lifetime_value
SET predicted_orders = NULL, predicted_value = NULL, churn_risk = NULL, rfm_segment = NULL, model_version = NULL,
    predicted_as_of = NULL, updated_at = now()
WHERE num_nonnulls(predicted_orders, predicted_value, churn_risk, rfm_segment, model_version, predicted_as_of) > 0
