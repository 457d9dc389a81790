-- Statements for the files of every format. Names are put in for {source}, {parent}, {column}, {key} and {value}.

-- name: decimals
-- Table of a sentence's beginning, "USD has two decimals", without a row until the shop's currency is known.
CREATE TABLE decimals (words VARCHAR)

-- name: known_decimals
-- Records the beginning of the sentence.
INSERT INTO decimals VALUES ($words)

-- name: amounts
-- An amount rounded to the decimals of the shop's currency, as in the database: that of an order item once, for all its
-- units; its text for people; how many of the currency's smallest units it is; and the price that some of these are per
-- unit of an item, to six decimals.
CREATE MACRO shop_amount(amount) AS round(amount, {decimals});
CREATE MACRO amount_text(amount) AS shop_amount(amount)::VARCHAR;
CREATE MACRO smallest_units(amount) AS (shop_amount(amount) * 1{zeros})::HUGEINT;
CREATE MACRO unit_price(paid, quantity) AS
    (((paid::HUGEINT * 1000000 // 1{zeros} * 2 + quantity) // (2 * quantity))::DECIMAL(18, 0) * 0.000001)::DECIMAL(18, 6)

-- name: too_many_decimals
-- Rejects the rows of {source} whose {column} has more decimals than the currency, unless the row is in another one.
INSERT INTO removed_{source} BY NAME
SELECT
    line,
    '{column}' AS field,
    'too_many_decimals' AS rule,
    rtrim({column}::VARCHAR, '0') AS value,
    decimals.words || ', and rounding would change the value; correct it' AS reason
FROM {source}, decimals
WHERE {column} <> shop_amount({column}) AND {condition}

-- name: parts_of_files
-- A row's number in its file, and the number of the file among the parts of one export, from 0.
CREATE MACRO line_of(line) AS line & 4294967295;
CREATE MACRO part_of(line) AS line >> 32;
CREATE MACRO line_words(called, line) AS 'line ' || line_of(line) || coalesce((
    SELECT ' of ' || max(file) FILTER (part = part_of(line)) FROM files WHERE files.source = called HAVING max(part) > 0
), '')

-- name: removed
-- Table of the rows of {source} that comparisons with other rows remove: rejected by a rule, or without a rule where
-- a row is dropped, such as a duplicate; then the reason is its note.
CREATE TABLE removed_{source} (
    line BIGINT, field VARCHAR, rule VARCHAR, value VARCHAR, reason VARCHAR, rejected_with_parent BOOLEAN DEFAULT false
)

-- name: usable
-- View of the rows of {source} that have broken no rule so far.
CREATE VIEW {source} AS
SELECT * EXCLUDE (raw_line, fault_column, fault_rule, fault_value, fault_reason)
FROM all_{source}
ANTI JOIN removed_{source} USING (line)
WHERE fault_rule IS NULL

-- name: rejected
-- View of the rejected rows of {source}: rule, reason, and the cause that their dependent rows give as their reason.
CREATE VIEW rejected_{source} AS
SELECT
    lines.* EXCLUDE (fault_column, fault_rule, fault_value, fault_reason),
    files.place AS file_place,
    files.file,
    coalesce(columns.called, lines.fault_column) AS "column",
    coalesce(removed.rule, lines.fault_rule) AS rule,
    coalesce(removed.value, lines.fault_value) AS value,
    coalesce(removed.reason, replace(lines.fault_reason, '{marker}', decimals.words)) AS reason,
    coalesce(removed.rejected_with_parent, false) AS rejected_with_parent,
    format(
        'line {} of {} was rejected: {}', line_of(lines.line), files.file,
        coalesce(removed.reason, replace(lines.fault_reason, '{marker}', decimals.words))
    ) AS cause
FROM all_{source} AS lines
LEFT JOIN removed_{source} AS removed USING (line)
LEFT JOIN columns ON columns.source = '{source}' AND columns.field = removed.field
JOIN files ON files.source = '{source}' AND files.part = part_of(lines.line)
LEFT JOIN decimals ON true
WHERE removed.rule IS NOT NULL OR lines.fault_rule IS NOT NULL AND removed.line IS NULL

-- name: key_of_uuid
-- The key of a row whose key in the files is a UUID: the same.
CREATE MACRO key_of(kind, name) AS name

-- name: key_of_text
-- The key of a row whose key in the files is a text.
CREATE MACRO key_of(kind, name) AS text_key(kind, name)

-- name: text_key
-- The key of a row named by a text: its version 5 UUID. The namespace never changes, or all imports would get new keys.
-- A name of several parts joins them by the unit separator chr(31), which no accepted text contains.
CREATE MACRO uuid5(hex) AS (
    substr(hex, 1, 32)::UUID::UHUGEINT & 'ffffffff-ffff-0fff-3fff-ffffffffffff'::UUID::UHUGEINT
    | '00000000-0000-5000-8000-000000000000'::UUID::UHUGEINT
)::UUID;
CREATE MACRO text_key(kind, name) AS
    uuid5(sha1(unhex('12850252e6dc4b1288c7a202b1da15dd') || encode(kind || chr(31) || name)))

-- name: added_refund_key
-- The key of the refund that is added to an order, from the order's key: lib/sql/load/added_refunds.sql recognises it.
CREATE MACRO added_refund_key(order_key) AS md5('added refund ' || order_key::VARCHAR)::UUID

-- name: parts
-- View of the order items of the rows in the view `priced`, whose `paid` is in the smallest units of the currency and whose
-- `price` is NULL where it does not give that amount. Where no price of six decimals gives it, since the row has thousands
-- of units, there are two items, whose prices differ by the smallest unit.
CREATE VIEW parts AS
WITH priced_rows AS (
    SELECT
        *,
        paid // units AS each,
        paid % units AS dearer,
        coalesce(price, unit_price(paid, units)) AS paid_price,
        price IS NOT NULL OR smallest_units(units * paid_price) = paid AS is_exact
    FROM priced
)

SELECT
    *,
    CASE WHEN is_exact THEN units WHEN part = 0 THEN (units - dearer)::INTEGER ELSE dearer::INTEGER END AS part_units,
    if(is_exact, paid_price, unit_price(each + part, 1)) AS part_price
FROM priced_rows
JOIN (VALUES (0), (1)) AS pair (part) ON part = 0 OR NOT is_exact

-- name: other_currency
-- Rejects the rows of {source} in another currency than the shop's, since amounts are not converted.
INSERT INTO removed_{source} BY NAME
SELECT
    line, 'currency' AS field, 'other_currency' AS rule, currency AS value,
    format(
        'expected {}; amounts are not converted. To load the orders in {} instead, set SET="currency={}"', $currency, currency,
        currency
    ) AS reason
FROM {source}
WHERE currency <> $currency AND {condition}

-- name: currencies
-- The currencies of {source} with their number of rows, the most frequent first.
SELECT currency, count(*) AS rows
FROM {source}
WHERE currency IS NOT NULL
GROUP BY currency
ORDER BY rows DESC, currency

-- name: duplicates
-- Removes the rows of {source} whose {column} is in an earlier row: dropped if all cells are equal, else rejected.
-- Cells are compared by a digest, since in a file that was exported twice every row must be compared.
INSERT INTO removed_{source} BY NAME
WITH keys AS (
    SELECT {value} AS key FROM {source} GROUP BY key HAVING count(*) > 1
),

found AS (
    SELECT
        line, {value} AS key, {column}::VARCHAR AS value,
        md5_number(row(*COLUMNS(* EXCLUDE (line)))::VARCHAR) AS cells
    FROM {source}
    WHERE key IN (SELECT key FROM keys)
),

firsts AS (
    SELECT key, min(line) AS line, min_by(cells, line) AS cells FROM found GROUP BY key
)

SELECT
    found.line,
    CASE WHEN found.cells <> firsts.cells THEN '{column}' END AS field,
    CASE WHEN found.cells <> firsts.cells THEN 'duplicate_of_line_n' END AS rule,
    found.value,
    CASE
        WHEN found.cells <> firsts.cells
            THEN line_words('{source}', firsts.line)
                || ' already has the same value and is used; change this one or remove the row'
        ELSE 'exact duplicates, dropped'
    END AS reason
FROM found
JOIN firsts USING (key)
WHERE found.line > firsts.line

-- name: orphans
-- Rejects the rows of {source} whose {column} is not the key of a usable row of {parent}, giving the parent's reason.
INSERT INTO removed_{source} BY NAME
WITH orphans AS (
    SELECT line, {column} AS key
    FROM {source}
    ANTI JOIN (SELECT {key} AS {column} FROM {parent}) USING ({column})
    WHERE {column} IS NOT NULL
),

causes AS (
    SELECT {key} AS key, min_by(cause, line) AS cause
    FROM rejected_{parent}
    WHERE {key} IN (SELECT key FROM orphans)
    GROUP BY {key}
)

SELECT
    orphans.line,
    '{column}' AS field,
    'fk.{column}' AS rule,
    orphans.key::VARCHAR AS value,
    coalesce(causes.cause, 'no row of ' || file || ' has this key; add it there or correct it here') AS reason,
    causes.cause IS NOT NULL AS rejected_with_parent
FROM orphans
LEFT JOIN causes USING (key)
JOIN files ON files.source = '{parent}' AND files.part = 0

-- name: other_parts
-- Removes the rows of orders that another part of {source} has in a newer state, or equal. The part is newer whose orders
-- reach further. An order whose items are all in different parts was cut in two and stays whole.
INSERT INTO removed_{source} BY NAME
WITH ages AS (
    SELECT part_of(line) AS part, row_number() OVER (ORDER BY max({time}), part_of(line)) AS age
    FROM {source}
    GROUP BY part
),

compared AS (
    SELECT
        line, part_of(line) AS part, {order} AS number, {item} AS item,
        md5_number(row(*COLUMNS(* EXCLUDE (line)))::VARCHAR) AS cells
    FROM {source}
),

placed AS (
    SELECT * FROM compared JOIN ages USING (part)
),

repeated AS (
    SELECT DISTINCT number FROM (SELECT number FROM placed GROUP BY number, item HAVING count(DISTINCT age) > 1)
),

newest AS (
    SELECT number, max(age) AS age FROM placed SEMI JOIN repeated USING (number) GROUP BY number
),

current AS (
    SELECT placed.* FROM placed JOIN newest USING (number, age)
)

SELECT
    line, NULL AS field, NULL AS rule, number AS value,
    CASE
        WHEN EXISTS (SELECT 1 FROM current WHERE current.number = placed.number AND current.cells = placed.cells)
            THEN 'duplicates of rows in another file, dropped'
        ELSE 'rows that another file has in a newer state, dropped'
    END AS reason
FROM placed
JOIN newest USING (number)
WHERE placed.age < newest.age

-- name: dropped
-- How many rows of each part of {source} were dropped, and why.
SELECT files.file, coalesce(columns.called, '') AS "column", removed.reason AS note, count(*) AS cases
FROM removed_{source} AS removed
JOIN files ON files.source = '{source}' AND files.part = part_of(removed.line)
LEFT JOIN columns ON columns.source = '{source}' AND columns.field = removed.field
WHERE removed.rule IS NULL
GROUP BY files.part, files.file, columns.called, note
ORDER BY files.part, note

-- name: counts
-- How many rows of each part of {source} were read, are used, were rejected, and were dropped as duplicates.
SELECT
    files.file,
    count(lines.line) AS read,
    count(lines.line) FILTER (fault_rule IS NULL AND removed.line IS NULL) AS loaded,
    count(removed.rule) + count(fault_rule) FILTER (removed.line IS NULL) AS rejected,
    count(removed.line) - count(removed.rule) AS duplicates
FROM files
LEFT JOIN all_{source} AS lines ON part_of(lines.line) = files.part
LEFT JOIN removed_{source} AS removed ON removed.line = lines.line
WHERE files.source = '{source}'
GROUP BY files.part, files.file
ORDER BY files.part

-- name: rejects
-- Table for the rejected rows of all files.
CREATE TABLE rejects (
    file_place INTEGER, file VARCHAR, line BIGINT, "column" VARCHAR, rule VARCHAR, value VARCHAR, reason VARCHAR,
    rejected_with_parent BOOLEAN, amount DECIMAL(38, 6), raw_line VARCHAR
)

-- name: collect
-- Adds the rejected rows of {source}; PostgreSQL stores no NUL, so its picture replaces it.
INSERT INTO rejects
SELECT
    file_place, file, line_of(line) AS line, "column", rule, replace(value, chr(0), '␀') AS value, reason,
    rejected_with_parent, {amount} AS amount, replace(raw_line, chr(0), '␀') AS raw_line
FROM rejected_{source}

-- name: all_rejects
-- The rejected rows of all files in the order of the files and their lines.
SELECT file, line, "column", rule, value, reason, raw_line FROM rejects ORDER BY file_place, line

-- name: rejects_by_rule
-- How many rows of each file break each rule, or are rejected with a parent that does, with their amount as far as it
-- can be read, and the first of them.
SELECT
    file,
    rule,
    rejected_with_parent,
    count(*) AS lines,
    coalesce(sum(amount), 0)::DOUBLE AS amount,
    min(line) AS line,
    array_to_string(list_slice(list(line ORDER BY line), 1, 5), ', ') || if(count(*) > 5, ' …', '') AS first_lines,
    min_by("column", line) AS "column",
    min_by(value, line) AS value,
    min_by(reason, line) AS reason
FROM rejects
GROUP BY rejected_with_parent, file_place, file, rule
ORDER BY rejected_with_parent, file_place, lines DESC, rule

-- name: examples
-- A few rejected rows: the first of each file and rule, then the second of each; those rejected with their parent last.
WITH ranked AS (
    SELECT *, row_number() OVER (PARTITION BY rejected_with_parent, file_place, rule ORDER BY line) AS rank
    FROM rejects
),

chosen AS (
    SELECT * FROM ranked ORDER BY rejected_with_parent, rank, file_place, line LIMIT $most
)

SELECT file, line, "column", rule, value, reason, rejected_with_parent
FROM chosen
ORDER BY rejected_with_parent, file_place, line

-- name: profile_users
-- The customers of a group.
SELECT user_id, country_code, is_guest FROM written_users WHERE hash(user_id) % $groups = $number

-- name: profile_orders
-- The orders of a group of customers.
SELECT user_id, order_date, status, total_amount FROM written_orders WHERE hash(user_id) % $groups = $number

-- name: profile_order_items
-- The items of the orders of a group of customers.
SELECT items.order_id, items.product_id, items.quantity, items.price_at_time
FROM written_order_items AS items
SEMI JOIN (SELECT order_id FROM written_orders WHERE hash(user_id) % $groups = $number) USING (order_id)

-- name: profile_events
-- The events of a group of sessions, which may have no customer.
SELECT session_id, event_type FROM written_events WHERE hash(session_id) % $groups = $number
