-- A batch of erasures on one list, each id once. The row, and with it everything personal, goes together with the
-- letters that wait for it, with idempotency keys, and with its name in access records; where the person had confirmed, an entry that names
-- nobody joins the trail, and of the row's reference alone there is news.
-- $1 list, $2 ids, $3 states each may touch, $4 heads of entries, $5 states that leave an entry with each, $6 whether
-- each is handed the row as it was, $7 states in which exports may have held it
-- A letter queued by a signup that commits while this waits for its lock is not yet visible here: the postman
-- finds its row gone and drops it.
WITH asked AS (
    SELECT * FROM unnest($2::bytea[], $3::smallint[], $4::bytea[], $5::smallint[], $6::boolean[])
        AS a (id, touches, head, leaving, hands_back)
), locked AS (
    SELECT id, state, withdrawn_commitment FROM subscriptions
    WHERE list = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE
), gone AS (
    DELETE FROM subscriptions
    WHERE list = $1
      AND id = ANY (ARRAY(SELECT id FROM locked JOIN asked USING (id) WHERE (1 << state) & touches <> 0))
    RETURNING id, notice, lang, seal, reference, signed_up_at, expires_at, confirmed_at, told_at
), letters AS (
    DELETE FROM outbox WHERE list = $1 AND subscription = ANY (ARRAY(SELECT id FROM gone))
), keys AS (
    DELETE FROM idempotency_keys WHERE list = $1 AND subscription = ANY (ARRAY(SELECT id FROM gone))
), records AS (
    UPDATE access_records SET subscription = NULL
    WHERE list = $1 AND subscription = ANY (ARRAY(SELECT id FROM gone))
), entries AS (
    INSERT INTO trail_entries (list, entry)
    SELECT $1, a.head || k.withdrawn_commitment
    FROM gone JOIN locked k USING (id) JOIN asked a USING (id)
    WHERE (1 << k.state) & leaving <> 0
), tidings AS (
    INSERT INTO news (list, reference, subscription)
    SELECT $1, reference, NULL FROM gone JOIN locked k USING (id) WHERE (1 << k.state) & $7::smallint <> 0
    ON CONFLICT (list, reference) DO UPDATE
        SET subscription = excluded.subscription, n = excluded.n, day = excluded.day
)
SELECT k.id, k.state, g.id IS NOT NULL AS erased, g.id IS NOT NULL AND a.hands_back AS handed_back, b.notice, b.lang,
       b.seal, b.reference, b.signed_up_at, b.expires_at, b.confirmed_at, b.told_at
FROM locked k JOIN asked a USING (id) LEFT JOIN gone g USING (id) LEFT JOIN gone b ON b.id = k.id AND a.hands_back
