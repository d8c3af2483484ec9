-- $1 time, $2 the time before which failures do not count any more
WITH sessions_gone AS (DELETE FROM sessions WHERE expires_at <= $1),
invitations_gone AS (DELETE FROM invitations WHERE expires_at <= $1)
DELETE FROM login_failures WHERE since < $2
