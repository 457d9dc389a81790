-- Gives every customer of the mart the scores there are for him or her, or none. The names come from the catalog.
UPDATE public.customer_lifetime_value AS mart
SET {changes}, updated_at = now()
FROM (
    SELECT present.user_id AS key, scored.*
    FROM public.customer_lifetime_value AS present LEFT JOIN scored USING (user_id)
) AS wanted
WHERE mart.user_id = wanted.key AND ({present_columns}) IS DISTINCT FROM ({wanted_columns})
