-- warning: Products that cost more than their list price.
SELECT product_id, price, cost FROM products WHERE cost > price
