-- The codes of countries that occur.
SELECT DISTINCT unnest([shipping_country, billing_country]) AS code FROM lines ORDER BY code
