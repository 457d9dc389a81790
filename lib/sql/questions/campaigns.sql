-- Marketing campaigns that ran on a day from :start up to, not including, :end, by start date.
SELECT name, channel, start_date, end_date
FROM marketing_campaigns
WHERE end_date >= :start AND start_date < :end
ORDER BY start_date, end_date, name COLLATE "C", campaign_id
