-- Adds hashes at the end of tiles. $1 list, $2 levels, $3 indices, $4 hashes
INSERT INTO trail_tiles AS t (list, level, index, hashes)
SELECT $1, a.level, a.index, a.hashes FROM unnest($2::smallint[], $3::bigint[], $4::bytea[]) AS a (level, index, hashes)
ON CONFLICT (list, level, index) DO UPDATE SET hashes = t.hashes || excluded.hashes
RETURNING level, index, octet_length(hashes) AS length
