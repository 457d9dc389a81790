-- warning: Products that cost more than their list price, without those given away.
SELECT product_id, price, cost FROM products WHERE cost > price AND price > 0
