-- Entries of the log, under the numbers that a mirror has them under. $1 list, $2 indices, $3 entries
INSERT INTO trail_entries (list, index, entry)
SELECT $1, a.index, a.entry FROM unnest($2::bigint[], $3::bytea[]) AS a (index, entry)
