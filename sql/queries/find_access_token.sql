-- Whose token it is. $1 SHA-256
SELECT operator FROM access_tokens WHERE sha256 = $1
