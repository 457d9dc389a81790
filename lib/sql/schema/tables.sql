-- The eight tables, bare: columns and check constraints. Keys and indexes follow in files of their own,
-- because a load builds them after its rows. Plain `> 0` lets NaN in (it sorts above all), hence `< 'NaN'`.

CREATE TABLE IF NOT EXISTS users (
    user_id uuid NOT NULL DEFAULT gen_random_uuid(),
    email text NOT NULL CONSTRAINT users_email_check CHECK (email = btrim(email) AND email LIKE '%_@_%'),
    name text NOT NULL CONSTRAINT users_name_check CHECK (btrim(name) <> ''),
    country_code char(2) CONSTRAINT users_country_code_check CHECK (country_code ~ '^[A-Z]{2}$'),
    country text,
    city text,
    acquisition_channel text,
    campaign_id uuid,
    signup_date date NOT NULL CONSTRAINT users_signup_date_check CHECK (isfinite(signup_date)),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    loaded_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS products (
    product_id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL CONSTRAINT products_name_check CHECK (btrim(name) <> ''),
    category text,
    subcategory text,
    price numeric(12, 2) NOT NULL CONSTRAINT products_price_check CHECK (price > 0 AND price < 'NaN'),
    cost numeric(12, 2) CONSTRAINT products_cost_check CHECK (cost >= 0 AND cost < 'NaN'),
    stock_quantity integer CONSTRAINT products_stock_quantity_check CHECK (stock_quantity >= 0),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    loaded_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS marketing_campaigns (
    campaign_id uuid NOT NULL DEFAULT gen_random_uuid(),
    name text NOT NULL CONSTRAINT marketing_campaigns_name_check CHECK (btrim(name) <> ''),
    channel text NOT NULL,
    budget numeric(12, 2) NOT NULL CONSTRAINT marketing_campaigns_budget_check CHECK (budget >= 0 AND budget < 'NaN'),
    spend numeric(12, 2) NOT NULL CONSTRAINT marketing_campaigns_spend_check CHECK (spend >= 0 AND spend < 'NaN'),
    impressions integer NOT NULL CONSTRAINT marketing_campaigns_impressions_check CHECK (impressions >= 0),
    clicks integer NOT NULL CONSTRAINT marketing_campaigns_clicks_check CHECK (clicks >= 0),
    start_date date NOT NULL CONSTRAINT marketing_campaigns_start_date_check CHECK (isfinite(start_date)),
    end_date date NOT NULL CONSTRAINT marketing_campaigns_end_date_check CHECK (isfinite(end_date)),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    loaded_at timestamptz NOT NULL DEFAULT now(),
    CONSTRAINT marketing_campaigns_dates_check CHECK (start_date <= end_date)
);

CREATE TABLE IF NOT EXISTS orders (
    order_id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    order_date timestamptz NOT NULL CONSTRAINT orders_order_date_check CHECK (isfinite(order_date)),
    status text NOT NULL CONSTRAINT orders_status_check
        CHECK (status IN ('pending', 'shipped', 'completed', 'cancelled', 'refunded')),
    total_amount numeric(12, 2) NOT NULL CONSTRAINT orders_total_amount_check
        CHECK (total_amount >= 0 AND total_amount < 'NaN'),
    shipping_country_code char(2) CONSTRAINT orders_shipping_country_code_check
        CHECK (shipping_country_code ~ '^[A-Z]{2}$'),
    shipping_city text,
    campaign_id uuid,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    loaded_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS order_items (
    order_item_id uuid NOT NULL DEFAULT gen_random_uuid(),
    order_id uuid NOT NULL,
    product_id uuid NOT NULL,
    quantity integer NOT NULL CONSTRAINT order_items_quantity_check CHECK (quantity > 0),
    price_at_time numeric(12, 2) NOT NULL CONSTRAINT order_items_price_at_time_check
        CHECK (price_at_time >= 0 AND price_at_time < 'NaN'),
    discount numeric(12, 2) NOT NULL CONSTRAINT order_items_discount_check CHECK (discount >= 0 AND discount < 'NaN'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    loaded_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS events (
    event_id uuid NOT NULL DEFAULT gen_random_uuid(),
    user_id uuid NOT NULL,
    session_id uuid NOT NULL,
    event_type text NOT NULL CONSTRAINT events_event_type_check
        CHECK (event_type IN ('session_start', 'product_view', 'add_to_cart', 'checkout', 'purchase')),
    product_id uuid,
    order_id uuid,
    event_timestamp timestamptz NOT NULL CONSTRAINT events_event_timestamp_check CHECK (isfinite(event_timestamp)),
    revenue numeric(12, 2) CONSTRAINT events_revenue_check CHECK (revenue >= 0 AND revenue < 'NaN'),
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    loaded_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS daily_kpis (
    date date NOT NULL,
    orders integer NOT NULL,
    revenue numeric(38, 2) NOT NULL,
    units integer NOT NULL,
    costed_revenue numeric(38, 2) NOT NULL,
    cost numeric(38, 2) NOT NULL,
    active_customers integer NOT NULL,
    new_customers integer NOT NULL,
    signups integer NOT NULL,
    avg_order_value numeric(12, 2),
    cancelled_orders integer NOT NULL,
    refunded_orders integer NOT NULL,
    refunded_amount numeric(38, 2) NOT NULL,
    sessions integer NOT NULL,
    converted_sessions integer NOT NULL,
    conversion_rate double precision,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    loaded_at timestamptz NOT NULL DEFAULT now()
);

CREATE TABLE IF NOT EXISTS customer_lifetime_value (
    user_id uuid NOT NULL,
    orders integer NOT NULL,
    revenue numeric(38, 2) NOT NULL,
    avg_order_value numeric(12, 2),
    first_order_date timestamptz,
    last_order_date timestamptz,
    predicted_orders double precision CONSTRAINT customer_lifetime_value_predicted_orders_check
        CHECK (predicted_orders >= 0 AND predicted_orders < 'Infinity'),
    predicted_value numeric(12, 2) CONSTRAINT customer_lifetime_value_predicted_value_check
        CHECK (predicted_value >= 0 AND predicted_value < 'NaN'),
    churn_risk double precision CONSTRAINT customer_lifetime_value_churn_risk_check
        CHECK (churn_risk BETWEEN 0 AND 1),
    rfm_segment text,
    model_version text,
    predicted_as_of date,
    created_at timestamptz NOT NULL DEFAULT now(),
    updated_at timestamptz NOT NULL DEFAULT now(),
    loaded_at timestamptz NOT NULL DEFAULT now()
);
