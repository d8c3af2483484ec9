-- The next version of a list's notice; no row unless it follows directly on the current one.
-- $1 list, $2 version, $3 purpose, $4 bytes, $5 SHA-256, $6 time, $7 trail entry
WITH raised AS (
    UPDATE lists SET notice = $2, purpose = $3
    WHERE list = $1 AND notice = $2 - 1 AND $3 BETWEEN purpose AND purpose + 1 AND closed_at IS NULL
    RETURNING list
), noticed AS (
    INSERT INTO notices (list, version, purpose, sha256, bytes, published_at)
    SELECT list, $2, $3, $5, $4, $6 FROM raised
), entries AS (
    INSERT INTO trail_entries (list, entry) SELECT list, $7 FROM raised
)
SELECT list FROM raised
