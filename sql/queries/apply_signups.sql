-- A batch of signups on one list, each address once. New, pending, active and paused addresses all cost one
-- written row: a stranger who measures learns nothing.
-- $1 list, $2–$11 the rows, $12 their state, $13 replaceable states, $14 cool-down in seconds,
-- $15 subscribed states, $16 seconds until such a person is told again,
-- $17 kind of a confirmation letter, $18 kind of an "already subscribed" letter, $19 kind of the tally of signups
WITH given AS (
    SELECT * FROM unnest($2::bytea[], $3::bytea[], $4::integer[], $5::text[], $6::bytea[], $7::bytea[], $8::bytea[],
                         $9::bytea[], $10::timestamptz[], $11::timestamptz[])
        AS g (id, address_key, notice, lang, seal, reference, confirmed_commitment, withdrawn_commitment,
              signed_up_at, expires_at)
), met AS MATERIALIZED (
    -- Apart from the locking: together, a planner without statistics reads the whole list in the order of its ids.
    SELECT id FROM subscriptions WHERE list = $1 AND address_key = ANY ($3)
), known AS (
    -- Rows are locked in the order of their ids here and in every other batch, so that batches hardly ever
    -- deadlock; one that does is tried again.
    SELECT id, address_key, told_at FROM subscriptions
    WHERE list = $1 AND id = ANY (ARRAY(SELECT id FROM met)) ORDER BY id FOR UPDATE
), written AS (
    INSERT INTO subscriptions AS s
        (list, id, address_key, state, notice, lang, seal, reference, confirmed_commitment, withdrawn_commitment,
         signed_up_at, expires_at)
    SELECT $1, id, address_key, $12::smallint, notice, lang, seal, reference, confirmed_commitment, withdrawn_commitment,
           signed_up_at, expires_at
    FROM given
    -- Reading `known` here makes its locks come first.
    WHERE (SELECT count(*) FROM known) >= 0
    ORDER BY address_key
    ON CONFLICT ON CONSTRAINT subscriptions_address DO UPDATE SET
        (id, notice, lang, seal, reference, confirmed_commitment, withdrawn_commitment, signed_up_at, expires_at,
         told_at) = (
            SELECT x.id, x.notice, x.lang, x.seal, x.reference, x.confirmed_commitment, x.withdrawn_commitment,
                   x.signed_up_at, x.expires_at, x.told_at
            FROM (VALUES
                (true, excluded.id, excluded.notice, excluded.lang, excluded.seal, excluded.reference,
                 excluded.confirmed_commitment, excluded.withdrawn_commitment, excluded.signed_up_at,
                 excluded.expires_at, NULL),
                (false, s.id, s.notice, s.lang, s.seal, s.reference, s.confirmed_commitment, s.withdrawn_commitment,
                 s.signed_up_at, s.expires_at,
                 CASE WHEN (1 << s.state) & $15::smallint <> 0
                           AND (s.told_at IS NULL OR s.told_at <= excluded.signed_up_at - $16::float8 * interval '1 second')
                      THEN excluded.signed_up_at ELSE s.told_at END)
            ) AS x (replaced, id, notice, lang, seal, reference, confirmed_commitment, withdrawn_commitment,
                    signed_up_at, expires_at, told_at)
            WHERE x.replaced = ((1 << s.state) & $13::smallint <> 0
                                AND s.signed_up_at <= excluded.signed_up_at - $14::float8 * interval '1 second')
        )
    RETURNING id, address_key, state, notice, signed_up_at, expires_at, told_at
), outcome AS (
    SELECT w.*, g.signed_up_at AS at, w.id = g.id AS asked, k.id AS known_id,
           -- The row's own time says so even for a row that came between the look and the lock; the second half tells
           -- two signups of one instant apart.
           w.told_at IS NOT DISTINCT FROM g.signed_up_at AND w.told_at IS DISTINCT FROM k.told_at AS told
    FROM written w JOIN given g USING (address_key) LEFT JOIN known k USING (address_key)
), dropped AS (
    -- By an array, here and in the other batches: whatever the statistics say, that goes by the primary key.
    DELETE FROM outbox
    WHERE list = $1 AND subscription = ANY (ARRAY(SELECT known_id FROM outcome WHERE asked AND known_id IS NOT NULL))
), letters AS (
    INSERT INTO outbox (list, subscription, kind, queued_at, due_at)
    SELECT $1, id, CASE WHEN asked THEN $17::smallint ELSE $18::smallint END, at, at FROM outcome WHERE asked OR told
    ON CONFLICT (list, subscription, kind) DO UPDATE
        SET queued_at = excluded.queued_at, due_at = excluded.due_at, attempts = 0, status = NULL, dead_at = NULL
), counted AS (
    -- Each signup, whatever came of it: were it only those of new addresses, the figures would tell whose is not.
    INSERT INTO tallies AS t (list, day, kind, count)
    SELECT $1, (at AT TIME ZONE 'UTC')::date AS day, $19::smallint, count(*)
    FROM outcome GROUP BY day ORDER BY day
    ON CONFLICT (list, day, kind) DO UPDATE SET count = t.count + excluded.count
)
SELECT address_key, asked, told, state, signed_up_at, expires_at, told_at FROM outcome
