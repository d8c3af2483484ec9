-- A list's options, unless somebody else changed them, or closed the list, since they were read.
-- $1 list, $2 options as they were, $3 options as they shall be
UPDATE lists SET options = $3 WHERE list = $1 AND options = $2 AND closed_at IS NULL RETURNING list
