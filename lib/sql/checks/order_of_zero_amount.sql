-- warning: Completed orders with a total of zero: counted apart, not in orders and average order value.
SELECT order_id, order_date FROM orders WHERE status = 'completed' AND total_amount = 0
