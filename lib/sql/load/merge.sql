-- Inserts the rows of one table into another, or updates by key those that differ; how many of each. The names come from
-- the catalog.
WITH merged AS (
    INSERT INTO public.{table} AS present ({columns})
    SELECT {columns} FROM {added}
    ON CONFLICT ({key}) DO UPDATE SET {changes}, updated_at = now(), loaded_at = now()
    WHERE ({present_columns}) IS DISTINCT FROM ({new_columns})
    RETURNING present.created_at = now() AS inserted
)
SELECT count(*) FILTER (WHERE inserted) AS inserted, count(*) FILTER (WHERE NOT inserted) AS updated FROM merged
