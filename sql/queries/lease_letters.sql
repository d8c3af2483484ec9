-- Takes letters that are due, oldest first, and moves them past the end of the lease: should the postman die, they
-- come due again by themselves. $1 now, $2 end of the lease, $3 how many
WITH due AS (
    SELECT list, subscription, kind FROM outbox
    WHERE due_at <= $1 AND dead_at IS NULL
    ORDER BY due_at LIMIT $3 FOR UPDATE SKIP LOCKED
)
UPDATE outbox o SET due_at = $2, attempts = o.attempts + 1
FROM due d WHERE o.list = d.list AND o.subscription = d.subscription AND o.kind = d.kind
RETURNING o.list, o.subscription, o.kind, o.queued_at, o.attempts
