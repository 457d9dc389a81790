-- Removes the rows of one table whose key another no longer has. The names come from the catalog.
DELETE FROM public.{table} AS present WHERE NOT EXISTS (SELECT FROM {added} WHERE {added}.{key} = present.{key})
