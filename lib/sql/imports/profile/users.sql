-- The customers of a group.
SELECT user_id, country_code FROM written_users WHERE hash(user_id) % $groups = $number
