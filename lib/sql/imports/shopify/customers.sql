-- A view of whose each order is: the e-mail address tells customers apart, and an order without one has its own customer.
CREATE VIEW customers AS
SELECT
    name,
    min(line) FILTER (WHERE subtotal IS NOT NULL) AS line,
    min_by(email, line) AS email,
    coalesce(lower(min_by(email, line)), 'order ' || name) AS customer
FROM lines
GROUP BY name
