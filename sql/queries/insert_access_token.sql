-- $1 SHA-256, $2 operator, $3 time; no row where there is no such operator
INSERT INTO access_tokens (sha256, operator, created_at) SELECT $1, name, $3 FROM operators WHERE name = $2
