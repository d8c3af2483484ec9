-- Whose token it is, and what it is for. $1 SHA-256, $2 time
SELECT t.token, t.rights, t.lists, t.used_at, o.name,
    ARRAY(SELECT g.list FROM grants g WHERE g.operator = o.name ORDER BY g.list) AS granted_lists,
    ARRAY(SELECT g.role FROM grants g WHERE g.operator = o.name ORDER BY g.list) AS granted_roles
FROM access_tokens t JOIN operators o ON o.name = t.operator
WHERE t.sha256 = $1 AND (t.expires_at IS NULL OR t.expires_at > $2)
