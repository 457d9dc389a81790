-- warning: Orders attributed to a campaign that was not running on that day.
SELECT orders.order_id, orders.order_date, marketing_campaigns.start_date, marketing_campaigns.end_date
FROM orders JOIN marketing_campaigns USING (campaign_id)
WHERE shop_day(orders.order_date) NOT BETWEEN start_date AND end_date
