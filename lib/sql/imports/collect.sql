-- Adds the refused lines of {source} to all; a database holds no NUL, so its picture stands for it.
INSERT INTO rejects
SELECT
    file_place, file, line, "column", rule, replace(value, chr(0), '␀') AS value, reason, fallen,
    replace(raw_line, chr(0), '␀') AS raw_line
FROM refused_{source}
