-- An export is whole: in the trail and in the history at once. $1 list, $2 export, $3 entry, $4 rows, $5 SHA-256, $6 time
WITH exported AS (INSERT INTO trail_entries (list, entry) VALUES ($1, $3))
UPDATE exports SET rows = $4, sha256 = $5, finished_at = $6 WHERE list = $1 AND export = $2
