-- Privileges that others than the owner hold on the named relations.
SELECT
    format('%I.%I', relations.relnamespace::regnamespace::text, relations.relname) AS name,
    grants.privilege_type AS privilege,
    CASE grants.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grants.grantee)) END AS grantee,
    CASE WHEN grants.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS option
FROM pg_class AS relations, aclexplode(relations.relacl) AS grants
WHERE relations.oid = ANY(CAST(:relations AS regclass[])) AND grants.grantee <> relations.relowner
ORDER BY 1, 2, 3
