-- Makes workbook_owner the owner of the schema workbook, of what is in it, of the functions of the shop's days, amounts and sales, and of the
-- tables and views of `public` that the setting workbook.relations lists, if the connected user, or a role the user is a member of, owns them now.
DO $$
DECLARE
    owned record;
BEGIN
    FOR owned IN
        SELECT format('%s %s', upper(kind), name) AS object
        FROM (
            SELECT 'schema' AS kind, quote_ident(nspname) AS name, nspowner AS owner
            FROM pg_namespace WHERE nspname = 'workbook'
            UNION ALL
            SELECT 'table', oid::regclass::text, relowner
            FROM pg_class
            WHERE relkind IN ('r', 'v') AND (
                relnamespace = to_regnamespace('workbook')
                OR (
                    relnamespace = 'public'::regnamespace
                    AND relname = ANY(string_to_array(current_setting('workbook.relations'), ','))
                )
            )
            UNION ALL
            SELECT 'function', oid::regprocedure::text, proowner
            FROM pg_proc
            WHERE pronamespace = 'public'::regnamespace AND proname IN (
                'shop_zone', 'shop_time', 'shop_day', 'day_start', 'shop_amount', 'sales_basis', 'is_sale', 'customer_orders',
                'sales', 'sold_items'
            )
        ) AS objects
        WHERE owner <> 'workbook_owner'::regrole AND pg_has_role(session_user, owner, 'MEMBER')
    LOOP
        EXECUTE format('ALTER %s OWNER TO workbook_owner', owned.object);
    END LOOP;
END
$$
