-- error: Days missing from daily_kpis between its first and its last.
-- needs: daily_kpis
SELECT day
FROM generate_series((SELECT min(date) FROM daily_kpis), (SELECT max(date) FROM daily_kpis), interval '1 day') AS day
WHERE NOT EXISTS (SELECT FROM daily_kpis WHERE daily_kpis.date = day)
