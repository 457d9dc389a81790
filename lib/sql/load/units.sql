-- Time zone of the days and currency of the amounts of the shop in the database; UTC and none if none was loaded.
SELECT coalesce(min(time_zone), 'UTC') AS time_zone, coalesce(min(currency), '') AS currency FROM workbook.shop
