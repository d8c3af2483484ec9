-- A batch of rarer acts on one list, each id once: the state, what is under the seal and the commitment of the next
-- withdrawal are written anew, where the seal is still the one that was read; an entry joins the trail if there is one.
-- $1 list, $2 ids, $3 seals that were read, $4 states each may start from, $5 states to go to, $6 seals,
-- $7 commitments, $8 times of confirmation for rows that had none, $9 entries
WITH asked AS (
    SELECT * FROM unnest($2::bytea[], $3::bytea[], $4::smallint[], $5::smallint[], $6::bytea[], $7::bytea[],
                         $8::timestamptz[], $9::bytea[])
        AS a (id, read, touches, goes_to, seal, withdrawn_commitment, confirmed_at, entry)
), locked AS (
    SELECT id, state, seal FROM subscriptions WHERE list = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE
), changed AS (
    UPDATE subscriptions s
    SET state = a.goes_to, seal = a.seal, confirmed_commitment = NULL, withdrawn_commitment = a.withdrawn_commitment,
        confirmed_at = coalesce(s.confirmed_at, a.confirmed_at)
    FROM locked k JOIN asked a USING (id)
    WHERE s.list = $1 AND s.id = ANY ($2) AND s.id = k.id AND k.seal = a.read AND (1 << k.state) & a.touches <> 0
    RETURNING s.id
), entries AS (
    INSERT INTO trail_entries (list, entry)
    SELECT $1, a.entry FROM changed JOIN asked a USING (id) WHERE a.entry IS NOT NULL
)
SELECT k.id, c.id IS NOT NULL AS changed, k.seal = a.read AS is_fresh
FROM locked k JOIN asked a USING (id) LEFT JOIN changed c USING (id)
