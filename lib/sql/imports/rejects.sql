-- A table for the refused lines of all files.
CREATE TABLE rejects (
    file_place INTEGER, file VARCHAR, line BIGINT, "column" VARCHAR, rule VARCHAR, value VARCHAR, reason VARCHAR,
    fallen BOOLEAN, raw_line VARCHAR
)
