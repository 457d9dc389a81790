-- Strikes lines whose discount is more than their units cost.
INSERT INTO struck_lines
SELECT
    line, 'item_discount' AS field, 'discount_exceeds_price' AS rule, item_discount::VARCHAR AS value,
    format('wanted at most quantity x price, {{}}', (quantity * item_price)::VARCHAR) AS reason, false AS fallen
FROM lines
WHERE item_discount > quantity * item_price
