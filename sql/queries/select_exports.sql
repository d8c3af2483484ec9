-- A list's exports, the newest first. $1 list, $2 and $3 time and id of the one that they are older than, if any, $4 how
-- many
SELECT export, at, operator, token, format, tree_size, checkpoint, feed, valid_until, rows, sha256, finished_at
FROM exports
WHERE list = $1 AND ($2::timestamptz IS NULL OR (at, export) < ($2, $3::bytea))
ORDER BY at DESC, export DESC LIMIT $4
