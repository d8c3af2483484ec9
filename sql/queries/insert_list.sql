-- A new list under the next number, with its first notice published into its trail; no row where the slug is taken.
-- $1 slug, $2 options, $3 notice bytes, $4 notice SHA-256, $5 time, $6 trail entry
WITH made AS (
    INSERT INTO lists (slug, options, notice, purpose, created_at)
    -- Asked first, so that an attempt in vain uses up no number.
    SELECT $1, $2, 1, 1, $5 WHERE NOT EXISTS (SELECT FROM lists WHERE slug = $1)
    ON CONFLICT (slug) DO NOTHING
    RETURNING list
), noticed AS (
    INSERT INTO notices (list, version, purpose, sha256, bytes, published_at)
    SELECT list, 1, 1, $4, $3, $5 FROM made
), entries AS (
    INSERT INTO trail_entries (list, entry) SELECT list, $6 FROM made
)
SELECT list FROM made
