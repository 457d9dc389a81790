-- Check results of the last twenty runs, the latest last: broken checks by severity, and rejected lines of your files.
WITH
runs AS (
    SELECT
        run_id,
        checked_at,
        count(*) FILTER (WHERE severity = 'error' AND failed > 0) AS broken_errors,
        count(*) FILTER (
            WHERE severity = 'warning' AND failed > 0 AND check_name <> 'rejected_lines'
        ) AS broken_warnings,
        coalesce(sum(failed) FILTER (WHERE check_name = 'rejected_lines'), 0)::bigint AS rejected_lines
    FROM workbook.data_quality_results
    GROUP BY run_id, checked_at
),
latest AS (
    SELECT * FROM runs ORDER BY checked_at DESC LIMIT 20
)
SELECT * FROM latest ORDER BY checked_at
