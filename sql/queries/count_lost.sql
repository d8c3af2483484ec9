-- Confirmed people of whom a restored backup has no row, and who are not counted as lost yet; with the log's size.
-- $1 list, $2 states of people who have confirmed
SELECT t.size,
       (SELECT count(*) FILTER (WHERE get_byte(entry, 1) IN (1, 5)) - count(*) FILTER (WHERE get_byte(entry, 1) = 2)
               -- The count is the last eight bytes.
               - coalesce(sum(('x' || encode(substr(entry, 63, 8), 'hex'))::bit(64)::bigint)
                          FILTER (WHERE get_byte(entry, 1) = 20), 0)::bigint
        FROM trail_entries WHERE list = $1)
       - (SELECT count(*) FROM subscriptions WHERE list = $1 AND (1 << state) & $2::smallint <> 0) AS lost
FROM trails t WHERE t.list = $1
