-- $1 operator, $2 time, $3 SHA-256 of the text
UPDATE operators SET confidential_at = $2, confidential_sha256 = $3 WHERE name = $1
