-- Statements that all formats share. @{source} and other @{names} are identifiers, filled in by the store.

-- name: key_of_uuid
-- The key of a row whose key in the file is a UUID: the same UUID.
CREATE MACRO key_of(kind, name) AS name

-- name: key_of_text
-- The key of a row whose key in the file is a text: its version 5 UUID in a namespace that never changes, since all
-- imports depend on it. Parts of a composite key are joined by the unit separator, chr(31), which no accepted text has.
CREATE MACRO uuid5(hex) AS
    (hex[1:12] || '5' || hex[14:16] || '89ab89ab89ab89ab'[instr('0123456789abcdef', hex[17])] || hex[18:32])::UUID;
CREATE MACRO key_of(kind, name) AS
    uuid5(sha1(unhex('12850252e6dc4b1288c7a202b1da15dd') || encode(kind || chr(31) || name)))

-- name: excluded
-- A table for the rows of @{source} that other rows rule out. Without a rule the row is an exact duplicate, which is
-- dropped; rejected_with_parent: the reason lies in another row.
CREATE TABLE excluded_@{source} (
    line BIGINT, field VARCHAR, rule VARCHAR, value VARCHAR, reason VARCHAR, rejected_with_parent BOOLEAN
)

-- name: usable
-- The rows of @{source} that are accepted so far.
CREATE VIEW @{source} AS
SELECT * EXCLUDE (raw_line, fault_column, fault_rule, fault_value, fault_reason)
FROM all_@{source}
ANTI JOIN excluded_@{source} USING (line)
WHERE fault_rule IS NULL

-- name: rejected
-- The rejected rows of @{source}: rule and reason; `cause` is the sentence for rows that are rejected with them.
CREATE VIEW rejected_@{source} AS
SELECT
    lines.* EXCLUDE (fault_column, fault_rule, fault_value, fault_reason),
    files.place AS file_place,
    files.file,
    coalesce(columns.called, lines.fault_column) AS "column",
    coalesce(excluded.rule, lines.fault_rule) AS rule,
    coalesce(excluded.value, lines.fault_value) AS value,
    coalesce(excluded.reason, lines.fault_reason) AS reason,
    coalesce(excluded.rejected_with_parent, false) AS rejected_with_parent,
    format('line {} of {} was rejected: {}', lines.line, files.file, coalesce(excluded.reason, lines.fault_reason)) AS cause
FROM all_@{source} AS lines
LEFT JOIN excluded_@{source} AS excluded USING (line)
LEFT JOIN columns ON columns.source = '@{source}' AND columns.field = excluded.field
JOIN files ON files.source = '@{source}'
WHERE excluded.rule IS NOT NULL OR lines.fault_rule IS NOT NULL

-- name: duplicates
-- Rejects the rows of @{source} whose @{column} an earlier row has; drops them when all cells are equal.
INSERT INTO excluded_@{source}
WITH keys AS (
    SELECT @{value} AS key FROM @{source} GROUP BY key HAVING count(*) > 1
),

-- A digest stands for all cells of a row: there are many to compare when every row is a duplicate.
found AS (
    SELECT
        line, @{value} AS key, @{column}::VARCHAR AS value,
        md5_number(row(*COLUMNS(* EXCLUDE (line)))::VARCHAR) AS cells
    FROM @{source}
    WHERE key IN (SELECT key FROM keys)
),

firsts AS (
    SELECT key, min(line) AS line, min_by(cells, line) AS cells FROM found GROUP BY key
)

SELECT
    found.line,
    '@{column}' AS field,
    CASE WHEN found.cells <> firsts.cells THEN 'duplicate_of_line_n' END AS rule,
    found.value,
    format('line {} has the same value and is used; change this one, or remove the line', firsts.line) AS reason,
    false AS rejected_with_parent
FROM found
JOIN firsts USING (key)
WHERE found.line > firsts.line

-- name: orphans
-- Rejects the rows of @{source} whose @{column} is not the key of an accepted row of @{parent}.
INSERT INTO excluded_@{source}
WITH orphans AS (
    SELECT line, @{column} AS key
    FROM @{source}
    ANTI JOIN (SELECT @{key} AS @{column} FROM @{parent}) USING (@{column})
    WHERE @{column} IS NOT NULL
),

causes AS (
    SELECT @{key} AS key, min_by(cause, line) AS cause
    FROM rejected_@{parent}
    WHERE @{key} IN (SELECT key FROM orphans)
    GROUP BY @{key}
)

SELECT
    orphans.line,
    '@{column}' AS field,
    'fk.@{column}' AS rule,
    orphans.key::VARCHAR AS value,
    coalesce(causes.cause, 'no row of ' || file || ' has this key; add it there, or correct it here') AS reason,
    causes.cause IS NOT NULL AS rejected_with_parent
FROM orphans
LEFT JOIN causes USING (key)
JOIN files ON files.source = '@{parent}'

-- name: counts
-- Numbers of rows of @{source}: read, loaded, rejected, and dropped as exact duplicates.
SELECT
    (SELECT count(*) FROM all_@{source}) AS read,
    (SELECT count(*) FROM @{source}) AS loaded,
    (SELECT count(*) FROM rejected_@{source}) AS rejected,
    (SELECT count(*) FROM excluded_@{source} WHERE rule IS NULL) AS duplicates

-- name: rejects
-- A table for the rejected rows of all files.
CREATE TABLE rejects (
    file_place INTEGER, file VARCHAR, line BIGINT, "column" VARCHAR, rule VARCHAR, value VARCHAR, reason VARCHAR,
    rejected_with_parent BOOLEAN, raw_line VARCHAR
)

-- name: collect
-- Adds the rejected rows of @{source}; PostgreSQL cannot store NUL, so its symbol replaces it.
INSERT INTO rejects
SELECT
    file_place, file, line, "column", rule, replace(value, chr(0), '␀') AS value, reason, rejected_with_parent,
    replace(raw_line, chr(0), '␀') AS raw_line
FROM rejected_@{source}

-- name: all_rejects
-- The rejected rows of all files, ordered by file and line.
SELECT file, line, "column", rule, value, reason, raw_line FROM rejects ORDER BY file_place, line

-- name: rejects_by_rule
-- Rejected rows by file and rule, those rejected with their parent apart, with the first of each.
SELECT
    file,
    rule,
    rejected_with_parent,
    count(*) AS lines,
    min(line) AS line,
    min_by("column", line) AS "column",
    min_by(value, line) AS value,
    min_by(reason, line) AS reason
FROM rejects
GROUP BY rejected_with_parent, file_place, file, rule
ORDER BY rejected_with_parent, file_place, lines DESC, rule

-- name: examples
-- Some rejected rows: the first of each file and rule, then the second, rows rejected with their parent last.
WITH ranked AS (
    SELECT *, row_number() OVER (PARTITION BY rejected_with_parent, file_place, rule ORDER BY line) AS rank
    FROM rejects
),

chosen AS (
    SELECT * FROM ranked ORDER BY rejected_with_parent, rank, file_place, line LIMIT $most
)

SELECT file, line, "column", rule, value, reason, rejected_with_parent FROM chosen ORDER BY rejected_with_parent, file_place, line
