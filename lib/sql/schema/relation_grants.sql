-- Privileges on the given relations, or on single columns of them, of roles other than the owner.
WITH
held AS (
    SELECT oid, '' AS columns, acl.* FROM pg_class, aclexplode(relacl) AS acl
    UNION ALL
    SELECT attrelid, format(' (%I)', attname), acl.* FROM pg_attribute, aclexplode(attacl) AS acl
    WHERE NOT attisdropped
)
SELECT
    format('%s.%I', relations.relnamespace::regnamespace, relations.relname) AS name,
    grants.privilege_type || grants.columns AS privilege,
    CASE grants.grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grants.grantee)) END AS grantee,
    CASE WHEN grants.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END AS option
FROM pg_class AS relations JOIN held AS grants USING (oid)
WHERE relations.oid = ANY(CAST(:relations AS regclass[])) AND grants.grantee <> relations.relowner
ORDER BY 1, 2, 3
