-- Deletes from the rows to append those that the table already has. Names come from the catalog.
DELETE FROM {added} AS added USING public.{table} AS present
WHERE present.{key} = added.{key} AND ({present_columns}) IS NOT DISTINCT FROM ({added_columns})
