-- Given tables whose owner differs from that of the table with the same name in the schema :schema.
SELECT format('%s.%I', old.relnamespace::regnamespace, old.relname) AS name, quote_ident(pg_get_userbyid(old.relowner)) AS owner
FROM pg_class AS old
JOIN pg_class AS new ON new.relname = old.relname AND new.relnamespace = CAST(:schema AS regnamespace)
WHERE old.oid = ANY(CAST(:tables AS regclass[])) AND old.relowner <> new.relowner
ORDER BY 1
