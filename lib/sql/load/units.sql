-- Time zone of the days of the shop in the database, currency of its amounts, and which of its orders are sales; the
-- defaults if none was loaded.
SELECT
    coalesce(min(time_zone), 'UTC') AS time_zone,
    coalesce(min(currency), '') AS currency,
    coalesce(min(sales_basis), 'placed') AS sales_basis
FROM workbook.shop
