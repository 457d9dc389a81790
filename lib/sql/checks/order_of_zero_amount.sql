-- warning: Completed orders that come to nothing.
SELECT order_id, order_date FROM orders WHERE status = 'completed' AND total_amount = 0
