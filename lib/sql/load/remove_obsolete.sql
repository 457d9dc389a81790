-- Deletes affected rows of a mart that its rebuild no longer has. Names come from the catalog.
DELETE FROM public.{table} AS present
WHERE present.{key} IN (SELECT {key} FROM {affected})
    AND NOT EXISTS (SELECT FROM {added} WHERE {added}.{key} = present.{key})
