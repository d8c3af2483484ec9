-- $1 SHA-256, $2 operator, $3 when it ends
INSERT INTO sessions (sha256, operator, expires_at) VALUES ($1, $2, $3)
