-- Entries that wait to be numbered though a mirror has numbered them. They are known by their last 32 bytes: a commitment,
-- or a service's random id and counts. $1 list, $2 those of the mirror's entries
DELETE FROM trail_entries e USING unnest($2::bytea[]) AS a (ending)
WHERE e.list = $1 AND e.index IS NULL AND substr(e.entry, 39, 32) = a.ending
