-- Delete the rows of a mart that its rebuilt copy does not have. The names come from the catalog.
DELETE FROM public.{table} AS present
WHERE NOT EXISTS (SELECT FROM {added} AS added WHERE added.{key} = present.{key})
