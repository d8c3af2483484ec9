-- Numbers entries that wait, the oldest hours first; within an hour in an order that tells nothing of the one they came
-- in. $1 list, $2 first index, $3 how many
WITH waiting AS MATERIALIZED (
    -- The hour stands in the entry's bytes 3 to 6, the highest first.
    SELECT ctid AS place, substr(entry, 3, 4) AS hour FROM trail_entries WHERE list = $1 AND index IS NULL
    ORDER BY hour LIMIT $3
), numbered AS MATERIALIZED (
    SELECT place, $2::bigint - 1 + row_number() OVER (ORDER BY hour, gen_random_uuid()) AS index FROM waiting
)
UPDATE trail_entries e SET index = n.index FROM numbered n
-- By place: entries are written once and numbered once, and nobody else does that while the trail is locked.
WHERE e.ctid = n.place AND e.list = $1 AND e.index IS NULL
RETURNING n.index, e.entry
