-- A link to set a password by, instead of older ones. $1 SHA-256, $2 operator, $3 when it expires; no row where there
-- is no such operator
WITH older AS (DELETE FROM invitations WHERE operator = $2)
INSERT INTO invitations (sha256, operator, expires_at) SELECT $1, name, $3 FROM operators WHERE name = $2
