-- $1 SHA-256, $2 when it was used
UPDATE access_tokens SET used_at = $2 WHERE sha256 = $1
