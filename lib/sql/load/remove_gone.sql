-- Removes the touched rows of a mart that are no more. The names come from the catalog.
DELETE FROM public.{table} AS present
WHERE present.{key} IN (SELECT {key} FROM {touched})
    AND NOT EXISTS (SELECT FROM {added} WHERE {added}.{key} = present.{key})
