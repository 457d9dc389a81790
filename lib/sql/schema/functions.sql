-- The shop's days, amounts and sales, with its time zone in place of {zone}, the decimals of its currency in place of
-- {decimals} and its sales basis in place of {basis}; PostgreSQL puts the bodies into the query that calls them, so that
-- they cost as much as their text and a condition on day_start() of a constant uses an index on instants.
-- STABLE, because a load in another time zone replaces them: an index on a day of the shop would then be wrong.

CREATE OR REPLACE FUNCTION shop_zone() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN {zone};

CREATE OR REPLACE FUNCTION shop_time(instant timestamptz) RETURNS timestamp LANGUAGE sql STABLE PARALLEL SAFE
RETURN instant AT TIME ZONE {zone};

CREATE OR REPLACE FUNCTION shop_day(instant timestamptz) RETURNS date LANGUAGE sql STABLE PARALLEL SAFE
RETURN (instant AT TIME ZONE {zone})::date;

-- Usually midnight, or the end of the hour that a clock change skips at midnight. Where midnight comes twice, PostgreSQL
-- takes the second one, and the day begins an hour earlier: an hour after 23:00 of the day before.
CREATE OR REPLACE FUNCTION day_start(day date) RETURNS timestamptz LANGUAGE sql STABLE PARALLEL SAFE
RETURN least(
    day::timestamp AT TIME ZONE {zone},
    ((day::timestamp - interval '1 hour') AT TIME ZONE {zone} AT TIME ZONE 'UTC' + interval '1 hour') AT TIME ZONE 'UTC'
);

-- Half a unit is rounded away from zero. The amount of an order item is rounded once, for all its units:
-- shop_amount(quantity * price_at_time).
CREATE OR REPLACE FUNCTION shop_amount(amount numeric) RETURNS numeric LANGUAGE sql STABLE PARALLEL SAFE
RETURN round(amount, {decimals});

CREATE OR REPLACE FUNCTION sales_basis() RETURNS text LANGUAGE sql STABLE PARALLEL SAFE
RETURN {basis};

CREATE OR REPLACE FUNCTION is_sale(status text) RETURNS boolean LANGUAGE sql STABLE PARALLEL SAFE
RETURN {basis} = 'placed' OR status = 'completed';

-- The bodies below are texts, so that their tables are those of the current schema, also while a load builds new ones.

CREATE OR REPLACE FUNCTION customer_orders()
RETURNS TABLE (order_id uuid, user_id uuid, order_date timestamptz, total_amount numeric)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT order_id, user_id, order_date, total_amount::numeric
    FROM orders
    WHERE is_sale(status) AND total_amount > 0
        AND NOT EXISTS (SELECT FROM users WHERE users.user_id = orders.user_id AND is_guest)
$$;

-- is_sale('') is true if every order placed is a sale: the planner then leaves out the condition on the order.
CREATE OR REPLACE FUNCTION sales()
RETURNS TABLE (kind text, order_id uuid, user_id uuid, occurred_at timestamptz, orders integer, amount numeric)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT 'sale', order_id, user_id, order_date, (total_amount > 0)::integer, total_amount::numeric
    FROM orders
    WHERE is_sale(status)
    UNION ALL
    SELECT kind, order_id, user_id, refund_date, 0, -amount::numeric
    FROM refunds
    WHERE is_sale('') OR order_id IS NULL
        OR EXISTS (SELECT FROM orders WHERE orders.order_id = refunds.order_id AND is_sale(status))
$$;

-- The parts have the same types to the letter (0::numeric): only then does the planner run them in parallel and move
-- conditions into them.
CREATE OR REPLACE FUNCTION sold_items()
RETURNS TABLE (
    kind text, order_id uuid, user_id uuid, product_id uuid, occurred_at timestamptz, units integer,
    gross_sales numeric, amount numeric
)
LANGUAGE sql STABLE PARALLEL SAFE AS $$
    SELECT
        'sale', order_id, user_id, product_id, order_date, quantity,
        shop_amount(quantity * (price_at_time + discount)), shop_amount(quantity * price_at_time)
    FROM orders JOIN order_items USING (order_id)
    WHERE is_sale(status)
    UNION ALL
    -- Returns of an item, and those of unknown orders, whose product may be known.
    SELECT
        kind, refunds.order_id, user_id, coalesce(order_items.product_id, refunds.product_id), refund_date,
        -coalesce(refunds.quantity, 0), 0::numeric, -amount::numeric
    FROM refunds LEFT JOIN order_items USING (order_item_id)
    WHERE (refunds.order_item_id IS NOT NULL OR refunds.order_id IS NULL)
        AND (
            is_sale('') OR refunds.order_id IS NULL
            OR EXISTS (SELECT FROM orders WHERE orders.order_id = refunds.order_id AND is_sale(status))
        )
    UNION ALL
    -- Returns of an order, spread over its items by their amounts. All units come back with the return that leaves nothing;
    -- of a part of an order, the units are not known.
    SELECT
        kind, order_id, orders.user_id, order_items.product_id, refund_date,
        CASE
            WHEN amount = total_amount THEN -order_items.quantity
            WHEN status IN ('refunded', 'cancelled') AND NOT EXISTS (
                SELECT FROM refunds AS other
                WHERE other.order_id = refunds.order_id AND (
                    other.order_item_id IS NOT NULL
                    OR (other.refund_date, other.refund_id) > (refunds.refund_date, refunds.refund_id)
                )
            ) THEN -order_items.quantity
            ELSE 0
        END, 0::numeric,
        -amount * shop_amount(order_items.quantity * price_at_time) / nullif(total_amount, 0)
    FROM refunds JOIN orders USING (order_id) JOIN order_items USING (order_id)
    WHERE refunds.order_item_id IS NULL AND is_sale(status)
$$;

COMMENT ON FUNCTION sales_basis() IS 'Orders that are sales: placed (all) or completed.';
COMMENT ON FUNCTION is_sale(text) IS 'Whether an order of this status is a sale by the sales basis.';
COMMENT ON FUNCTION customer_orders() IS 'Orders that are sales of an amount above 0, without those of guests.';
COMMENT ON FUNCTION sales() IS 'One row per sale (an order) with its amount, and per return with its negative amount; they add up to net sales.';
COMMENT ON FUNCTION sold_items() IS 'The sales and returns by product: units and amount are negative for returns and add up to net sales.';
COMMENT ON FUNCTION shop_zone() IS 'Time zone of the shop''s days.';
COMMENT ON FUNCTION shop_time(timestamptz) IS 'Date and time that the clocks of the shop''s time zone show at an instant.';
COMMENT ON FUNCTION shop_day(timestamptz) IS 'The shop''s day of an instant: its date in the shop''s time zone.';
COMMENT ON FUNCTION day_start(date) IS 'The instant at which a day of the shop begins in its time zone.';

COMMENT ON FUNCTION shop_amount(numeric) IS 'An amount rounded to the decimals of the shop''s currency.';
