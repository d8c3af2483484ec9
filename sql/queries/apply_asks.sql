-- A batch of letters with a link that were asked for by address, on one list, each id once: one of a kind within the
-- cool-down. A stranger who measures learns nothing: a known address costs a written row even where no letter is owed,
-- so that its commit waits for the disk as well; an unknown one costs a letter for an id that is nobody's, which the
-- postman finds dead and drops.
-- $1 list, $2 ids, $3 kinds of letters, $4 times, $5 kind of a letter with the data link, $6 of one with the link to
-- leave, $7 cool-downs in seconds
WITH given AS (
    SELECT * FROM unnest($2::bytea[], $3::smallint[], $4::timestamptz[], $7::float8[]) AS g (id, kind, at, again)
), known AS (
    SELECT id, data_asked_at, leave_asked_at FROM subscriptions
    WHERE list = $1 AND id = ANY ($2) ORDER BY id FOR UPDATE
), met AS (
    SELECT g.id, g.kind, g.at, g.again, k.id IS NOT NULL AS is_known,
           CASE g.kind WHEN $5::smallint THEN k.data_asked_at WHEN $6::smallint THEN k.leave_asked_at END AS asked_at
    FROM given g LEFT JOIN known k USING (id)
), outcome AS (
    SELECT id, kind, at, is_known, asked_at,
           asked_at IS NULL OR asked_at <= at - again * interval '1 second' AS owed
    FROM met
), marked AS (
    UPDATE subscriptions s
    SET data_asked_at = CASE WHEN o.owed AND o.kind = $5::smallint THEN o.at ELSE s.data_asked_at END,
        leave_asked_at = CASE WHEN o.owed AND o.kind = $6::smallint THEN o.at ELSE s.leave_asked_at END
    FROM outcome o
    WHERE s.list = $1 AND s.id = ANY ($2) AND s.id = o.id AND o.is_known
), letters AS (
    INSERT INTO outbox (list, subscription, kind, queued_at, due_at)
    SELECT $1, id, kind, at, at FROM outcome WHERE owed
    ON CONFLICT (list, subscription, kind) DO UPDATE
        SET queued_at = excluded.queued_at, due_at = excluded.due_at, attempts = 0, status = NULL, dead_at = NULL
)
SELECT id, owed, CASE WHEN owed THEN at ELSE asked_at END AS asked_at FROM outcome WHERE is_known
