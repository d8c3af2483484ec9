-- A list's options, unless somebody else changed them, or closed the list, since they were read.
-- $1 list, $2 options as they were, $3 options as they shall be
UPDATE lists SET options = $3
-- What an earlier version wrote has fewer keys than what is read of it, which has every default.
WHERE list = $1 AND $2 @> options AND closed_at IS NULL
RETURNING list
