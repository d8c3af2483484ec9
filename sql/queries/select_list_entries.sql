-- A list's own entries that tell to whom its people were handed: its notices, the beginnings of its exports, and what
-- readers of its feed were handed, in the log's order. $1 list
SELECT index, entry FROM trail_entries
WHERE list = $1 AND index IS NOT NULL AND get_byte(entry, 1) IN (16, 17, 19)
ORDER BY index
