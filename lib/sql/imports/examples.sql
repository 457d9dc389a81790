-- A few refused lines, those that fell for themselves first: of each file and rule the first, then the second of each.
WITH ranked AS (
    SELECT *, row_number() OVER (PARTITION BY fallen, file_place, rule ORDER BY line) AS rank
    FROM rejects
),

chosen AS (
    SELECT * FROM ranked ORDER BY fallen, rank, file_place, line LIMIT $most
)

SELECT file, line, "column", rule, value, reason, fallen FROM chosen ORDER BY fallen, file_place, line
