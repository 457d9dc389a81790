-- For each added row whose present row has other values: whether the added ones are newer. By the orders of the
-- customer or product, the order itself, else by the files, else the greater values are: two appends in either order
-- keep the same. Records are compared, because a comparison of rows is NULL where both have a NULL.
CREATE TEMPORARY TABLE decided_{table} ON COMMIT DROP AS
SELECT
    added.{key} AS key,
    coalesce(own.newer, {newer}, ROW({added_filled})::record > ROW({present_filled})::record) AS newer
FROM {added} AS added
JOIN public.{table} AS present USING ({key})
LEFT JOIN ({own}) AS own ON own.key = added.{own_key};
ANALYZE decided_{table}
