-- Counts what a list's log holds and has not been counted yet, by the day and kind of each event, and with it how many
-- people are on the list. An entry's hour stands in its bytes 3 to 6, the count of those lost in its last eight. A
-- handful at a time: whether there is more. $1 list, $2 how many at most
WITH acts AS MATERIALIZED (
    SELECT date 'epoch' + (('x' || encode(substr(e.entry, 3, 4), 'hex'))::bit(32)::bigint / 24)::int AS day,
           get_byte(e.entry, 1) AS kind,
           CASE get_byte(e.entry, 1) WHEN 20 THEN ('x' || encode(substr(e.entry, 63, 8), 'hex'))::bit(64)::bigint
                                     ELSE 1 END AS people
    FROM trails t
    JOIN trail_entries e ON e.list = $1 AND e.index >= t.tallied AND e.index < least(t.size, t.tallied + $2)
    WHERE t.list = $1 AND get_byte(e.entry, 1) IN (1, 2, 3, 4, 5, 6, 7, 20)
), counted AS (
    INSERT INTO tallies AS t (list, day, kind, count)
    SELECT $1, day, kind, sum(people) FROM acts GROUP BY day, kind ORDER BY day, kind
    ON CONFLICT (list, day, kind) DO UPDATE SET count = t.count + excluded.count
)
UPDATE trails
SET tallied = least(size, tallied + $2),
    subscribers = subscribers
        + (SELECT coalesce(sum(CASE WHEN kind IN (1, 5) THEN people WHEN kind IN (2, 20) THEN -people END), 0) FROM acts)
WHERE list = $1
RETURNING tallied < size AS is_more
