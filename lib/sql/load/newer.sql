-- Whether the added rows of these keys are newer than the present ones, by the latest instant on each side: true,
-- false, or NULL if it is the same. No row for a key that has no instant on one side.
-- Only the keys in the added table are looked up; it has lost the rows that equal the present ones by then.
WITH dated AS (
    SELECT true AS is_added, added.* FROM ({added_dated}) AS added
    UNION ALL
    SELECT false, present.* FROM ({present_dated}) AS present
),
latest AS (
    SELECT DISTINCT ON (key, is_added) key, is_added, as_of
    FROM dated
    WHERE key IN (SELECT {key} FROM {added})
    ORDER BY key, is_added, as_of DESC
)
SELECT
    key,
    CASE WHEN added.as_of > present.as_of THEN true WHEN added.as_of < present.as_of THEN false END AS newer
FROM latest AS added
JOIN latest AS present USING (key)
WHERE added.is_added AND NOT present.is_added
