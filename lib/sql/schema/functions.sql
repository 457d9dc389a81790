-- The shop's days and amounts, with its time zone in place of {zone} and the decimals of its currency in place of
-- {decimals}; PostgreSQL puts the bodies into the query that calls them, so that they cost as much as their text and a
-- condition on day_start() of a constant uses an index on instants.
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

COMMENT ON FUNCTION shop_zone() IS 'Time zone of the shop''s days.';
COMMENT ON FUNCTION shop_time(timestamptz) IS 'Date and time that the clocks of the shop''s time zone show at an instant.';
COMMENT ON FUNCTION shop_day(timestamptz) IS 'The shop''s day of an instant: its date in the shop''s time zone.';
COMMENT ON FUNCTION day_start(date) IS 'The instant at which a day of the shop begins in its time zone.';

-- Half a unit is rounded away from zero. The amount of an order item is rounded once, for all its units:
-- shop_amount(quantity * price_at_time).
CREATE OR REPLACE FUNCTION shop_amount(amount numeric) RETURNS numeric LANGUAGE sql STABLE PARALLEL SAFE
RETURN round(amount, {decimals});

COMMENT ON FUNCTION shop_amount(numeric) IS 'An amount rounded to the decimals of the shop''s currency.';
