-- Strikes lines with a name of a country that has no code.
INSERT INTO struck_lines
SELECT
    line, 'country' AS field, 'unknown_country' AS rule, country AS value,
    'no English country name; give its code, or an empty one, under mapping.countries' AS reason, false AS fallen
FROM lines
JOIN country_codes ON country_codes.name = lines.country
WHERE country_codes.code IS NULL
