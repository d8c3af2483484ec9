-- Where a list's trail stands. The public may see it once the interval is over that it was sealed in; intervals begin
-- where they always do, so that nothing is learned from when one ends. $1 list, $2 now
SELECT t.origin, t.size, t.frontier, t.checkpoint, t.public_size, t.public_checkpoint, t.is_replaying,
       date_bin(p.period, t.sealed_at, 'epoch') <> date_bin(p.period, $2::timestamptz, 'epoch') AS public_is_due,
       l.closed_at IS NOT NULL AS is_closed
FROM trails t
JOIN lists l ON l.list = t.list,
LATERAL (SELECT coalesce((l.options ->> 'checkpoint_minutes')::int, 60) * interval '1 minute') AS p (period)
WHERE t.list = $1
