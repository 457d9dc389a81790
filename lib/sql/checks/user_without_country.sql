-- warning: Customers without a country, in a shop that has them for others.
SELECT user_id, signup_date
FROM users
WHERE country IS NULL AND EXISTS (SELECT FROM users WHERE country IS NOT NULL)
