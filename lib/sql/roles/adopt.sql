-- Makes the owner role the owner of the workbook's tables and views that the connected user, or a role of theirs, owned so far.
DO $$
DECLARE
    owned record;
BEGIN
    FOR owned IN
        SELECT format('%s %s', CASE kind WHEN 'schema' THEN 'SCHEMA' ELSE 'TABLE' END, name) AS object
        FROM (
            SELECT 'schema' AS kind, quote_ident(nspname) AS name, nspowner AS owner
            FROM pg_namespace WHERE nspname = 'workbook'
            UNION ALL
            SELECT 'table', oid::regclass::text, relowner
            FROM pg_class
            WHERE relkind IN ('r', 'v') AND (
                relnamespace = to_regnamespace('workbook')
                OR (relnamespace = 'public'::regnamespace AND relname IN (
                    'users', 'products', 'marketing_campaigns', 'orders', 'order_items', 'events', 'daily_kpis',
                    'customer_lifetime_value', 'sales_summary', 'product_performance', 'customer_summary',
                    'geographic_performance'
                ))
            )
        ) AS objects
        WHERE owner <> 'workbook_owner'::regrole AND pg_has_role(session_user, owner, 'MEMBER')
    LOOP
        EXECUTE format('ALTER %s OWNER TO workbook_owner', owned.object);
    END LOOP;
END
$$
