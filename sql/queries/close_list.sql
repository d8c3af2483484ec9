-- Ends a list: from this commit on nobody can confirm, and no export holds anybody. No row where it was closed before.
-- $1 list, $2 time
UPDATE lists SET closed_at = $2, purpose = 0 WHERE list = $1 AND closed_at IS NULL RETURNING list
