-- warning: Customers without a home country, in a shop that knows that of others.
SELECT user_id, signup_date
FROM users
WHERE country IS NULL AND EXISTS (SELECT FROM users WHERE country IS NOT NULL)
