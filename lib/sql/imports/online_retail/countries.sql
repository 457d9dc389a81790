-- The names of countries that occur.
SELECT DISTINCT country AS name FROM lines WHERE country IS NOT NULL ORDER BY name
