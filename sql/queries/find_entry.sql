-- Where a person's entry stands in the log, by its commitment. The index tells entries apart by eight bytes; the rest
-- is compared here. $1 list, $2 commitment
SELECT index, entry FROM trail_entries
WHERE list = $1 AND index IS NOT NULL AND substr(entry, 39, 8) = substr($2::bytea, 1, 8) AND substr(entry, 39, 32) = $2
