-- Strikes first lines of orders in another currency than the shop's, as amounts are not converted.
INSERT INTO struck_lines
SELECT
    line, 'currency' AS field, 'other_currency' AS rule, currency AS value,
    format('wanted {{}}, as the parameter currency says; amounts are not converted', $currency) AS reason, false AS fallen
FROM lines
WHERE subtotal IS NOT NULL AND currency <> $currency
