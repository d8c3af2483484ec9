-- Lists with entries that wait, or of whose trail the public sees less than it may by now. $1 now
SELECT l.list
FROM lists l
LEFT JOIN trails t ON t.list = l.list,
LATERAL (SELECT coalesce((l.options ->> 'checkpoint_minutes')::int, 60) * interval '1 minute') AS p (period)
WHERE EXISTS (SELECT FROM trail_entries e WHERE e.list = l.list AND e.index IS NULL)
   OR (t.public_size < t.size
       AND (l.closed_at IS NOT NULL
            OR date_bin(p.period, t.sealed_at, 'epoch') <> date_bin(p.period, $1::timestamptz, 'epoch')))
