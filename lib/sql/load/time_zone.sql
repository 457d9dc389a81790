-- Time zone of the days of the shop in the database; UTC if none was loaded.
SELECT coalesce(min(time_zone), 'UTC') AS time_zone FROM workbook.shop
