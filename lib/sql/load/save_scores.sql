-- Copy the scores into the mart; NULL where a customer has none. The names come from the catalog.
UPDATE public.customer_lifetime_value AS mart
SET {changes}, updated_at = now()
FROM (
    SELECT present.user_id AS key, scores.*
    FROM public.customer_lifetime_value AS present LEFT JOIN scores USING (user_id)
) AS new
WHERE mart.user_id = new.key AND ({present_columns}) IS DISTINCT FROM ({new_columns})
