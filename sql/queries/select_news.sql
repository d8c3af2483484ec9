-- News after a number, and the subscription where it is one that may be written to: exactly then it would be in an
-- export. $1 list, $2 number, $3 how much, $4 exportable states
WITH page AS MATERIALIZED (
    SELECT n, reference, subscription FROM news
    WHERE list = $1 AND n > $2 AND n < 9223372036854775807 ORDER BY n LIMIT $3
)
SELECT p.n, p.reference, s.id, s.lang, s.seal, s.confirmed_at, s.notice
FROM page p LEFT JOIN LATERAL (
    SELECT s.id, s.lang, s.seal, s.confirmed_at, s.notice
    FROM subscriptions s
    JOIN lists l ON l.list = s.list
    JOIN notices v ON v.list = s.list AND v.version = s.notice
    WHERE s.list = $1 AND s.id = p.subscription AND (1 << s.state) & $4::smallint <> 0 AND v.purpose = l.purpose
    -- One by one: joined as a whole, a planner that takes a page for a few rows compares each with each.
    OFFSET 0
) s ON true
ORDER BY p.n
