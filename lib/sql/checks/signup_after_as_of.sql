-- warning: Customers who signed up on or after as_of: loaded, but not in any report.
SELECT user_id, signup_date FROM users WHERE signup_date >= CAST(:as_of AS date)
