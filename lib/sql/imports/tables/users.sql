-- The rows of users in the order of the file.
SELECT * EXCLUDE (line) REPLACE (key_of('user', user_id) AS user_id, key_of('campaign', campaign_id) AS campaign_id)
FROM users
ORDER BY line
