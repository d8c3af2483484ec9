-- One export. $1 list, $2 export
SELECT export, at, operator, token, format, tree_size, checkpoint, feed, valid_until, rows, sha256, finished_at
FROM exports WHERE list = $1 AND export = $2
