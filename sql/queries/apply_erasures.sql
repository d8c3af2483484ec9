-- A batch of erasures on one list, each id once. The row, and with it everything personal, goes together with the
-- letters that wait for it, and with its name in access records; where the person had confirmed, an entry that names nobody joins the trail.
-- $1 list, $2 ids, $3 states each may touch, $4 heads of entries, $5 states that leave an entry with each
-- A letter queued by a signup that commits while this waits for its lock is not yet visible here: the postman
-- finds its row gone and drops it.
WITH asked AS (
    SELECT * FROM unnest($2::bytea[], $3::smallint[], $4::bytea[], $5::smallint[]) AS a (id, touches, head, leaving)
), locked AS (
    SELECT id, state, withdrawn_commitment FROM subscriptions
    WHERE list = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE
), gone AS (
    DELETE FROM subscriptions
    WHERE list = $1
      AND id = ANY (ARRAY(SELECT id FROM locked JOIN asked USING (id) WHERE (1 << state) & touches <> 0))
    RETURNING id
), letters AS (
    DELETE FROM outbox WHERE list = $1 AND subscription = ANY (ARRAY(SELECT id FROM gone))
), records AS (
    UPDATE access_records SET subscription = NULL
    WHERE list = $1 AND subscription = ANY (ARRAY(SELECT id FROM gone))
), entries AS (
    INSERT INTO trail_entries (list, entry)
    SELECT $1, a.head || k.withdrawn_commitment
    FROM gone JOIN locked k USING (id) JOIN asked a USING (id)
    WHERE (1 << k.state) & leaving <> 0
)
SELECT k.id, k.state, g.id IS NOT NULL AS erased FROM locked k LEFT JOIN gone g USING (id)
