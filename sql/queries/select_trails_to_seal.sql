-- Lists with entries that wait, or whose public checkpoint is due; the last one of a closed list is due at once. $1 now
SELECT l.list FROM lists l LEFT JOIN trails t ON t.list = l.list
WHERE EXISTS (SELECT FROM trail_entries e WHERE e.list = l.list AND e.index IS NULL)
   OR (t.public_size < t.size
       AND (l.closed_at IS NOT NULL
            OR t.public_at <= $1::timestamptz - coalesce((l.options ->> 'checkpoint_minutes')::int, 60) * interval '1 minute'))
