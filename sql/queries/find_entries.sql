-- Entries of persons by their commitments, where the log has them. The index tells entries apart by eight bytes; the rest
-- is compared here. $1 list, $2 commitments
SELECT e.index, e.entry
FROM unnest($2::bytea[]) AS a (commitment)
JOIN trail_entries e
  ON e.list = $1 AND e.index IS NOT NULL AND substr(e.entry, 39, 8) = substr(a.commitment, 1, 8)
 AND substr(e.entry, 39, 32) = a.commitment
