-- warning: Customers without a country, if other customers have one.
SELECT user_id, signup_date
FROM users
WHERE country IS NULL AND EXISTS (SELECT FROM users WHERE country IS NOT NULL)
