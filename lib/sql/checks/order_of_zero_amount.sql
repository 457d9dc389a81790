-- warning: Completed orders with a total of zero.
SELECT order_id, order_date FROM orders WHERE status = 'completed' AND total_amount = 0
