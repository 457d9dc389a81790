-- warning: Campaigns that spent more than a tenth over their budget.
SELECT campaign_id, budget, spend FROM marketing_campaigns WHERE spend > budget * 1.1
