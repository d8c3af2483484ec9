-- $1 SHA-256
DELETE FROM sessions WHERE sha256 = $1
