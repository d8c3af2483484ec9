-- Who is logged in. $1 SHA-256, $2 time
SELECT o.name, o.confidential_sha256,
    ARRAY(SELECT g.list FROM grants g WHERE g.operator = o.name ORDER BY g.list) AS granted_lists,
    ARRAY(SELECT g.role FROM grants g WHERE g.operator = o.name ORDER BY g.list) AS granted_roles
FROM sessions s JOIN operators o ON o.name = s.operator
WHERE s.sha256 = $1 AND s.expires_at > $2
