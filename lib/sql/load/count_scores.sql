-- How many customers of the mart have scores.
SELECT count(*) FROM public.customer_lifetime_value WHERE predicted_as_of IS NOT NULL
