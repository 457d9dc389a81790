-- Upsert: insert new rows, update by key those that differ, and count both. The names come from the catalog.
WITH merged AS (
    INSERT INTO public.{table} AS present ({columns})
    SELECT {columns} FROM {added}
    ON CONFLICT ({key}) DO UPDATE SET {changes}, updated_at = now(), loaded_at = now()
    WHERE ({present_columns}) IS DISTINCT FROM ({new_columns})
    RETURNING present.created_at = now() AS inserted
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) FILTER (WHERE NOT inserted) AS updated FROM merged
