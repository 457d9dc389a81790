-- Name and e-mail address of every customer with an order: personal data, read only if show_personal_data is
-- true.
SELECT users.user_id::text AS user_id, users.name, users.email
FROM users JOIN customer_lifetime_value USING (user_id)
WHERE customer_lifetime_value.orders > 0
ORDER BY users.user_id::text COLLATE "C"
