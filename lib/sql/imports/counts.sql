-- How many lines of {source} were read, are used, were refused, and were dropped as identical to an earlier one.
SELECT
    (SELECT count(*) FROM all_{source}) AS read,
    (SELECT count(*) FROM {source}) AS loaded,
    (SELECT count(*) FROM refused_{source}) AS refused,
    (SELECT count(*) FROM struck_{source} WHERE rule IS NULL) AS repeated
