-- warning: Campaigns with more clicks than impressions.
SELECT campaign_id, impressions, clicks FROM marketing_campaigns WHERE clicks > impressions
