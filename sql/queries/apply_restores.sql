-- A batch of withdrawals undone on one list, each id once: the row is back, its entry joins the trail and the
-- feed has news, unless something stands in the way, which is told.
-- $1 list, $2–$13 the rows, $14 entries, $15 since when each is back: as if a letter with a link had been asked for just
-- then, so that leaving and coming back does not bring more of them
-- What comes between this look and the writing shows as nothing in the way and nothing written; a second use that
-- comes between as a unique violation, and then nothing of the batch is written.
WITH given AS (
    SELECT * FROM unnest($2::bytea[], $3::bytea[], $4::smallint[], $5::integer[], $6::text[], $7::bytea[], $8::bytea[],
                         $9::bytea[], $10::timestamptz[], $11::timestamptz[], $12::timestamptz[], $13::timestamptz[],
                         $14::bytea[], $15::timestamptz[])
        AS g (id, address_key, state, notice, lang, seal, reference, withdrawn_commitment,
              signed_up_at, expires_at, confirmed_at, told_at, entry, back_at)
), place AS MATERIALIZED (
    -- One by one, and so by index: whatever the statistics say, nobody's list is read through.
    SELECT g.id,
           l.closed_at IS NOT NULL AS is_closed,
           (SELECT true FROM subscriptions s WHERE s.list = $1 AND s.id = g.id) IS NOT NULL AS is_back,
           -- The index on these is partial; event 5 is `restored`.
           (SELECT true FROM trail_entries e
            WHERE e.list = $1 AND get_byte(e.entry, 1) = 5 AND substr(e.entry, 39, 32) = substr(g.entry, 39, 32)
           ) IS NOT NULL AS is_used,
           (SELECT true FROM subscriptions s WHERE s.list = $1 AND s.address_key = g.address_key) IS NOT NULL AS is_taken
    FROM given g JOIN lists l ON l.list = $1
), written AS (
    INSERT INTO subscriptions
        (list, id, address_key, state, notice, lang, seal, reference, withdrawn_commitment,
         signed_up_at, expires_at, confirmed_at, told_at, data_asked_at, leave_asked_at)
    SELECT $1, g.id, g.address_key, g.state, g.notice, g.lang, g.seal, g.reference, g.withdrawn_commitment,
           g.signed_up_at, g.expires_at, g.confirmed_at, g.told_at, g.back_at, g.back_at
    FROM given g JOIN place p USING (id)
    WHERE NOT (p.is_closed OR p.is_back OR p.is_used OR p.is_taken)
    ORDER BY g.id
    ON CONFLICT DO NOTHING
    RETURNING id, reference
), entries AS (
    INSERT INTO trail_entries (list, entry) SELECT $1, g.entry FROM written JOIN given g USING (id)
), tidings AS (
    INSERT INTO news (list, reference, subscription)
    SELECT $1, reference, id FROM written
    ON CONFLICT (list, reference) DO UPDATE
        SET subscription = excluded.subscription, n = excluded.n, day = excluded.day
)
SELECT p.*, w.id IS NOT NULL AS written FROM place p LEFT JOIN written w USING (id)
