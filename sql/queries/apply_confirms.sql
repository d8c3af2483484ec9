-- A batch of confirmations on one list, each id once: the row becomes active, its entry joins the trail, the feed has
-- news, and a letter with its receipt is owed, unless the list sends none.
-- $1 list, $2 ids, $3 times, $4 heads of entries, $5 confirmable states, $6 state to go to, $7 kind of a welcome letter,
-- $8 first kind of the tallies of how long people took, $9 the seconds at which each next one begins
WITH asked AS (
    SELECT * FROM unnest($2::bytea[], $3::timestamptz[], $4::bytea[]) AS a (id, at, head)
), locked AS (
    SELECT s.id, s.state, s.signed_up_at, s.expires_at, s.told_at, s.confirmed_commitment, n.sha256,
           n.purpose = l.purpose AS purpose_is_current
    FROM subscriptions s
    JOIN lists l ON l.list = s.list
    JOIN notices n ON n.list = s.list AND n.version = s.notice
    WHERE s.list = $1 AND s.id = ANY ($2) ORDER BY s.id FOR UPDATE OF s
), changed AS (
    UPDATE subscriptions s SET state = $6::smallint, confirmed_at = a.at, confirmed_commitment = NULL
    FROM locked k JOIN asked a USING (id)
    WHERE s.list = $1 AND s.id = ANY ($2) AND s.id = k.id
      AND (1 << k.state) & $5::smallint <> 0 AND k.expires_at > a.at AND k.purpose_is_current
    RETURNING s.id, s.reference
), entries AS (
    INSERT INTO trail_entries (list, entry)
    SELECT $1, a.head || k.sha256 || k.confirmed_commitment
    FROM changed JOIN locked k USING (id) JOIN asked a USING (id)
), tidings AS (
    INSERT INTO news (list, reference, subscription)
    SELECT $1, reference, id FROM changed
    ON CONFLICT (list, reference) DO UPDATE
        SET subscription = excluded.subscription, n = excluded.n, day = excluded.day
), letters AS (
    INSERT INTO outbox (list, subscription, kind, queued_at, due_at)
    SELECT $1, id, $7::smallint, a.at, a.at FROM changed JOIN asked a USING (id)
    -- A list that was made before there was this option has none of it.
    WHERE (SELECT coalesce((options ->> 'welcome')::boolean, true) FROM lists WHERE list = $1)
), counted AS (
    -- In one order in every batch, after the rows of people: so tallies bring no deadlock.
    INSERT INTO tallies AS t (list, day, kind, count)
    SELECT $1, (a.at AT TIME ZONE 'UTC')::date AS day,
           $8::smallint + width_bucket(extract(epoch FROM a.at - k.signed_up_at)::float8, $9::float8[]) AS kind, count(*)
    FROM changed JOIN locked k USING (id) JOIN asked a USING (id) GROUP BY day, kind ORDER BY day, kind
    ON CONFLICT (list, day, kind) DO UPDATE SET count = t.count + excluded.count
)
SELECT k.id, c.id IS NOT NULL AS changed, CASE WHEN c.id IS NULL THEN k.state ELSE $6::smallint END AS state,
       k.signed_up_at, k.expires_at, k.told_at, k.purpose_is_current
FROM locked k LEFT JOIN changed c USING (id)
