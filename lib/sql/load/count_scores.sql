-- Number of customers in the mart that have scores.
SELECT count(*) FROM public.customer_lifetime_value WHERE predicted_as_of IS NOT NULL
