-- warning: Campaigns that spent over 110 % of their budget.
SELECT campaign_id, budget, spend FROM marketing_campaigns WHERE spend > budget * 1.1
