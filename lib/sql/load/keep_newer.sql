-- Give each added row the values that its row has after the merge, chosen from the newer and the older side.
WITH sides AS (
    SELECT decided.newer, {added_columns}
    FROM {added} AS added JOIN decided_{table} AS decided ON decided.key = added.{key}
    UNION ALL
    SELECT NOT decided.newer, {present_columns}
    FROM public.{table} AS present JOIN decided_{table} AS decided ON decided.key = present.{key}
)
UPDATE {added} AS added SET {values}
FROM sides AS newer
JOIN sides AS older USING ({key})
WHERE newer.newer AND NOT older.newer AND newer.{key} = added.{key}
