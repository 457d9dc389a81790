-- error: Days missing between the first and the last day of daily_kpis.
-- needs: daily_kpis
SELECT day
FROM generate_series((SELECT min(date) FROM daily_kpis), (SELECT max(date) FROM daily_kpis), interval '1 day') AS day
WHERE NOT EXISTS (SELECT FROM daily_kpis WHERE daily_kpis.date = day)
