-- How many lines of each file break each rule, or fall with another line that does, with the first of them.
SELECT
    file,
    rule,
    fallen,
    count(*) AS lines,
    min(line) AS line,
    min_by("column", line) AS "column",
    min_by(value, line) AS value,
    min_by(reason, line) AS reason
FROM rejects
GROUP BY fallen, file_place, file, rule
ORDER BY fallen, file_place, lines DESC, rule
