-- Entries of persons by their commitments, where the log has them. The index tells entries apart by eight bytes; the rest
-- is compared here. $1 list, $2 commitments
SELECT e.index, e.entry
FROM unnest($2::bytea[]) AS a (commitment),
LATERAL (
    SELECT index, entry FROM trail_entries
    WHERE list = $1 AND index IS NOT NULL AND substr(entry, 39, 8) = substr(a.commitment, 1, 8)
      AND substr(entry, 39, 32) = a.commitment
    -- Each is looked up by itself: a join would read the log through where the planner knows little of it.
    LIMIT 1
) AS e
