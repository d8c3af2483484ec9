-- Moves a trail on; no row unless it stood at the size that it was extended from.
-- $1 list, $2 origin, $3 size before, $4 size, $5 frontier, $6 checkpoint, $7 time, $8 whether the public now sees what
-- stood before, $9 whether it sees the newest
INSERT INTO trails AS t (list, origin, size, frontier, checkpoint, sealed_at, public_size, public_checkpoint, public_at)
VALUES ($1, $2, $4, $5, $6, $7, $4, $6, $7)
ON CONFLICT (list) DO UPDATE
    SET (size, frontier, checkpoint, sealed_at, public_size, public_checkpoint, public_at) = (
        $4, $5, $6, $7,
        CASE WHEN $9 THEN $4 WHEN $8 THEN t.size ELSE t.public_size END,
        CASE WHEN $9 THEN $6 WHEN $8 THEN t.checkpoint ELSE t.public_checkpoint END,
        CASE WHEN $8 OR $9 THEN $7 ELSE t.public_at END)
    WHERE t.size = $3
RETURNING list
