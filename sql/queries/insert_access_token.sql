-- $1 SHA-256, $2 operator, $3 time, $4 its name, $5 rights, $6 lists, $7 when it expires; no row where there is no
-- such operator
INSERT INTO access_tokens (sha256, operator, created_at, name, rights, lists, expires_at)
SELECT $1, name, $3, $4, $5, $6, $7 FROM operators WHERE name = $2
