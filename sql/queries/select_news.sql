-- News after a number, and the subscription where it is one that may be written to: exactly then it would be in an
-- export. $1 list, $2 number, $3 how much, $4 exportable states
WITH page AS MATERIALIZED (
    SELECT n, reference, subscription FROM news
    WHERE list = $1 AND n > $2 AND n < 9223372036854775807 ORDER BY n LIMIT $3
), known AS MATERIALIZED (
    -- By an array: whatever the statistics say, that goes by the primary key.
    SELECT s.id, s.lang, s.seal, s.confirmed_at, s.notice FROM subscriptions s
    WHERE s.list = $1 AND s.id = ANY (ARRAY(SELECT subscription FROM page WHERE subscription IS NOT NULL))
      AND (1 << s.state) & $4::smallint <> 0
), exportable AS (
    SELECT k.* FROM known k
    JOIN notices v ON v.list = $1 AND v.version = k.notice
    JOIN lists l ON l.list = v.list AND l.purpose = v.purpose
)
SELECT p.n, p.reference, e.id, e.lang, e.seal, e.confirmed_at, e.notice
FROM page p LEFT JOIN exportable e ON e.id = p.subscription
ORDER BY p.n
