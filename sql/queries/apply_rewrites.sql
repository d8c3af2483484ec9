-- A batch of rarer acts on one list, each id once: what is under the seal and the commitment of the next withdrawal are
-- written anew, where the seal is still the one that was read; with it whatever else the act changes, an entry for the
-- trail, news for the feed and a letter.
-- $1 list, $2 ids, $3 seals that were read, $4 states each may start from, $5 states to go to, $6 seals,
-- $7 commitments, $8 when new addresses that wait go, $9 times of confirmation for rows that had none, $10 keys of new
-- addresses, $11 versions of notices, $12 languages, $13 entries, $14 kinds of letters, $15 since when these wait,
-- $16 whether exports show what is changed; from $9 to $15, and of $5, what is NULL leaves things as they are
WITH asked AS (
    SELECT * FROM unnest($2::bytea[], $3::bytea[], $4::smallint[], $5::smallint[], $6::bytea[], $7::bytea[],
                         $8::timestamptz[], $9::timestamptz[], $10::bytea[], $11::integer[], $12::text[], $13::bytea[],
                         $14::smallint[], $15::timestamptz[], $16::boolean[])
        AS a (id, read, touches, goes_to, seal, withdrawn_commitment, correction_expires_at, confirmed_at, address_key,
              notice, lang, entry, letter, queued_at, shows)
), locked AS (
    SELECT id, state, seal FROM subscriptions WHERE list = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE
), changed AS (
    UPDATE subscriptions s
    SET state = coalesce(a.goes_to, s.state), seal = a.seal, confirmed_commitment = NULL,
        withdrawn_commitment = a.withdrawn_commitment, correction_expires_at = a.correction_expires_at,
        confirmed_at = coalesce(s.confirmed_at, a.confirmed_at), address_key = coalesce(a.address_key, s.address_key),
        notice = coalesce(a.notice, s.notice), lang = coalesce(a.lang, s.lang),
        -- What was asked for went to the address before.
        data_asked_at = CASE WHEN a.address_key IS NULL THEN s.data_asked_at END,
        leave_asked_at = CASE WHEN a.address_key IS NULL THEN s.leave_asked_at END
    FROM locked k JOIN asked a USING (id)
    WHERE s.list = $1 AND s.id = ANY ($2) AND s.id = k.id AND k.seal = a.read AND (1 << k.state) & a.touches <> 0
    RETURNING s.id, s.reference
), entries AS (
    INSERT INTO trail_entries (list, entry)
    SELECT $1, a.entry FROM changed JOIN asked a USING (id) WHERE a.entry IS NOT NULL
), tidings AS (
    INSERT INTO news (list, reference, subscription)
    SELECT $1, reference, id FROM changed JOIN asked a USING (id) WHERE a.shows
    ON CONFLICT (list, reference) DO UPDATE
        SET subscription = excluded.subscription, n = excluded.n, day = excluded.day
), letters AS (
    INSERT INTO outbox (list, subscription, kind, queued_at, due_at)
    SELECT $1, id, a.letter, a.queued_at, a.queued_at FROM changed JOIN asked a USING (id) WHERE a.letter IS NOT NULL
    ON CONFLICT (list, subscription, kind) DO UPDATE
        SET queued_at = excluded.queued_at, due_at = excluded.due_at, attempts = 0, status = NULL, dead_at = NULL
)
SELECT k.id, c.id IS NOT NULL AS changed, k.seal = a.read AS is_fresh
FROM locked k JOIN asked a USING (id) LEFT JOIN changed c USING (id)
