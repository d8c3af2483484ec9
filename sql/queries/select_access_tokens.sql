-- $1 operator
SELECT token, name, rights, lists, created_at, expires_at, used_at FROM access_tokens WHERE operator = $1 ORDER BY token
