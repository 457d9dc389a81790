-- The rows of marketing_campaigns in the order of the file.
SELECT * EXCLUDE (line) REPLACE (key_of('campaign', campaign_id) AS campaign_id) FROM marketing_campaigns ORDER BY line
