-- Where the shop in the database comes from; no row if none was loaded.
SELECT kind, source, format, time_zone, currency FROM workbook.shop
