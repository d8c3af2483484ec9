-- A list's own entries that tell what its exports held: its notices and the beginnings of its exports, in the log's
-- order. $1 list
SELECT index, entry FROM trail_entries
WHERE list = $1 AND index IS NOT NULL AND get_byte(entry, 1) IN (16, 17)
ORDER BY index
