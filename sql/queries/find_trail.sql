-- Where a list's trail stands, and whether the public may see its next checkpoint. $1 list, $2 now
SELECT t.origin, t.size, t.frontier, t.checkpoint, t.public_size, t.public_checkpoint,
       l.closed_at IS NOT NULL
           OR t.public_at <= $2::timestamptz - coalesce((l.options ->> 'checkpoint_minutes')::int, 60) * interval '1 minute' AS public_is_due
FROM trails t JOIN lists l ON l.list = t.list
WHERE t.list = $1
