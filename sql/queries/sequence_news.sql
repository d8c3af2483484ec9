-- Numbers news that waits, by whoever holds the feed. What an act holds just now is passed over: it is about to wait
-- anew. Numbers may be passed over too; nobody counts them. $1 list, $2 how much, $3 day
WITH waiting AS MATERIALIZED (
    SELECT reference FROM news WHERE list = $1 AND n = 9223372036854775807 LIMIT $2 FOR UPDATE SKIP LOCKED
), moved AS (
    UPDATE feeds SET last = last + (SELECT count(*) FROM waiting) WHERE list = $1 RETURNING last
), numbered AS MATERIALIZED (
    SELECT reference, m.last + 1 - row_number() OVER () AS n FROM waiting, moved m
)
UPDATE news w SET n = d.n, day = $3 FROM numbered d
-- By arrays and by one, so that this goes by the primary key whatever the statistics say.
WHERE w.list = $1 AND w.reference = ANY (ARRAY(SELECT reference FROM waiting)) AND w.reference = d.reference
  AND w.n = 9223372036854775807
