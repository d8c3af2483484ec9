-- Owes a handful of a list's people a letter about its present notice: those who agreed to an earlier one, and have not
-- been told of this one. What is owed is noted in the same statement, so nobody is told twice. Of so many rows after an
-- id; to go on, begin with the id that comes back, unless there is none.
-- $1 list, $2 the id that comes before, $3 how many rows to look at, $4 how many people at most, $5 states of people who
-- are told, $6 kind of letter, $7 since when it waits
-- What is looked at is not gathered first: whoever has found a handful stops.
WITH looked AS NOT MATERIALIZED (
    SELECT s.id, (1 << s.state) & $5::smallint <> 0 AND s.notice < l.notice
                 AND (s.announced IS NULL OR s.announced < l.notice) AND l.closed_at IS NULL AS is_owed
    FROM subscriptions s JOIN lists l ON l.list = s.list
    WHERE s.list = $1 AND s.id > $2 ORDER BY s.id LIMIT $3
), handful AS MATERIALIZED (
    SELECT id FROM looked WHERE is_owed LIMIT $4
), locked AS (
    -- Looked at once more under the lock: another may be telling them too.
    SELECT s.id, l.notice
    FROM subscriptions s JOIN lists l ON l.list = s.list
    WHERE s.list = $1 AND s.id = ANY (ARRAY(SELECT id FROM handful))
      AND (1 << s.state) & $5::smallint <> 0 AND s.notice < l.notice
      AND (s.announced IS NULL OR s.announced < l.notice)
    ORDER BY s.id FOR UPDATE OF s
), told AS (
    UPDATE subscriptions s SET announced = k.notice
    FROM locked k WHERE s.list = $1 AND s.id = ANY (ARRAY(SELECT id FROM handful)) AND s.id = k.id
    RETURNING s.id
), letters AS (
    INSERT INTO outbox (list, subscription, kind, queued_at, due_at)
    SELECT $1, id, $6::smallint, $7::timestamptz, $7::timestamptz FROM told
    ON CONFLICT (list, subscription, kind) DO UPDATE
        SET queued_at = excluded.queued_at, due_at = excluded.due_at, attempts = 0, status = NULL, dead_at = NULL
)
SELECT (SELECT count(*) FROM told) AS people,
       CASE WHEN (SELECT count(*) FROM handful) = $4 THEN (SELECT id FROM handful ORDER BY id DESC LIMIT 1)
            WHEN (SELECT count(*) FROM looked) = $3 THEN (SELECT id FROM looked ORDER BY id DESC LIMIT 1)
       END AS last
