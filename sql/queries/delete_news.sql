-- Forgets the oldest news, a handful at most: what got its number on a day or before, and what an earlier epoch left.
-- $1 list, $2 day, $3 how much to look at
WITH oldest AS MATERIALIZED (
    SELECT reference, n, day FROM news WHERE list = $1 AND n < 9223372036854775807
    ORDER BY n LIMIT $3 FOR UPDATE SKIP LOCKED
), old AS MATERIALIZED (
    SELECT reference, n FROM oldest
    WHERE day <= $2 OR n <= (SELECT floor FROM feeds WHERE list = $1)
), gone AS (
    DELETE FROM news WHERE list = $1 AND reference = ANY (ARRAY(SELECT reference FROM old))
        AND n < 9223372036854775807
    RETURNING n
), moved AS (
    UPDATE feeds SET floor = greatest(floor, (SELECT max(n) FROM gone))
    WHERE list = $1 AND EXISTS (SELECT FROM gone)
)
SELECT count(*) AS news FROM gone
