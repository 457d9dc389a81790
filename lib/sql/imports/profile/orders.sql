-- The orders of a group of customers.
SELECT user_id, order_date, status, total_amount FROM written_orders WHERE hash(user_id) % $groups = $number
