-- Takes the letter that is due the longest, and moves it past the end of the lease: should the postman die, it comes
-- due again by itself. Only kinds that this version knows: a newer one may
-- run beside it. $1 now, $2 end of the lease, $3 kinds
WITH due AS (
    SELECT list, subscription, kind FROM outbox
    WHERE due_at <= $1 AND dead_at IS NULL AND kind = ANY ($3)
    ORDER BY due_at LIMIT 1 FOR UPDATE SKIP LOCKED
)
UPDATE outbox o SET due_at = $2, attempts = o.attempts + 1
FROM due d WHERE o.list = d.list AND o.subscription = d.subscription AND o.kind = d.kind
RETURNING o.list, o.subscription, o.kind, o.queued_at, o.attempts
