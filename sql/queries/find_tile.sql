-- The first hashes of a tile; fewer where it has not so many. $1 list, $2 level, $3 index, $4 length in bytes
SELECT substr(hashes, 1, $4) AS hashes FROM trail_tiles WHERE list = $1 AND level = $2 AND index = $3
