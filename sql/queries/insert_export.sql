-- An export that begins. $1 list, $2 export, $3 time, $4 operator, $5 token, $6 format, $7 tree size, $8 checkpoint,
-- $9 feed, $10 until when it is good
INSERT INTO exports (list, export, at, operator, token, format, tree_size, checkpoint, feed, valid_until)
VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
