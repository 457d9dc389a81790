-- Digest of the shop's definitions, and of the names of the tables and views that the workbook has created.
SELECT
    md5(concat(
        (SELECT row(kind, source, format, time_zone, currency, sales_basis)::text FROM workbook.shop),
        (
            SELECT string_agg(oid::regclass::text, ' ' ORDER BY oid::regclass::text)
            FROM pg_class
            WHERE relkind IN ('r', 'v') AND pg_get_userbyid(relowner) = 'workbook_owner'
        )
    ))
