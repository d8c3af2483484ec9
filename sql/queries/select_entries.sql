-- Entries in their order. $1 list, $2 first index, $3 the one after the last
SELECT index, entry FROM trail_entries WHERE list = $1 AND index >= $2 AND index < $3 ORDER BY index
