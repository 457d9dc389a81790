-- warning: Sales with a total of zero: counted apart, not in orders and average order value.
SELECT order_id, order_date FROM orders WHERE is_sale(status) AND total_amount = 0
