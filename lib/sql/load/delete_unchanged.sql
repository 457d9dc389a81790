-- Delete the new rows that equal the present row of the same key. The names come from the catalog.
DELETE FROM {added} AS added USING public.{table} AS present
WHERE present.{key} = added.{key} AND ({present_columns}) IS NOT DISTINCT FROM ({added_columns})
