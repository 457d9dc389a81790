-- The refused lines of all files in the order of the files and their lines.
SELECT file, line, "column", rule, value, reason, raw_line FROM rejects ORDER BY file_place, line
