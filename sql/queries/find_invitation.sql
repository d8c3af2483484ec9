-- Who is invited. $1 SHA-256, $2 time
SELECT operator FROM invitations WHERE sha256 = $1 AND expires_at > $2
