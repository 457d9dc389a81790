-- Daily reports of Google Ads and Meta Ads, in the views `google_ads` and `meta_ads`.

-- name: other_currency_of_report
-- Rejects the rows of {source} in another currency than the shop's, since amounts are not converted.
INSERT INTO removed_{source} BY NAME
SELECT
    line, 'currency' AS field, 'other_currency' AS rule, currency AS value,
    format('expected {}, the currency of the shop; amounts are not converted', $currency) AS reason
FROM {source}
WHERE currency <> $currency

-- name: totals
-- Removes the rows of {source} without a day: totals are dropped, since they repeat the other rows; others are rejected.
-- A total may have its name in the place of the day, which is then a fault of its row.
INSERT INTO removed_{source} BY NAME
SELECT line, 'day' AS field, NULL AS rule, '' AS value, 'totals; dropped' AS reason
FROM all_{source} AS lines
JOIN columns ON columns.source = '{source}' AND columns.field = 'day' AND columns.called = lines.fault_column
WHERE starts_with(lower(fault_value), 'total')
UNION ALL
SELECT
    line, 'day' AS field, if(is_total, NULL, 'missing') AS rule, '' AS value,
    if(is_total, 'totals; dropped', 'a value is required here; export the report by day') AS reason
FROM (SELECT *, starts_with(lower(campaign), 'total') AS is_total FROM {source} WHERE day IS NULL)

-- name: marketing_campaigns
-- One row per campaign of a platform: its first and last day, and the sums of its days.
WITH days AS (
    SELECT 'google ads' AS channel, * FROM google_ads
    UNION ALL BY NAME
    SELECT 'meta ads' AS channel, * FROM meta_ads
)

SELECT
    text_key('campaign', channel || chr(31) || campaign) AS campaign_id,
    campaign AS name,
    channel,
    coalesce(sum(spend), 0) AS budget,
    coalesce(sum(spend), 0) AS spend,
    coalesce(sum(impressions), 0)::INTEGER AS impressions,
    coalesce(sum(clicks), 0)::INTEGER AS clicks,
    min(day) AS start_date,
    max(day) AS end_date
FROM days
GROUP BY channel, campaign
ORDER BY start_date, channel, name

-- name: report_notes
-- Decisions about the rows of {source}: source, field, note, cases.
SELECT
    '{source}' AS source, 'spend' AS field, 'marketing_campaigns: budget unknown; the spend is used' AS note,
    count(DISTINCT campaign) AS cases
FROM {source}
