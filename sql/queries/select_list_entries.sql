-- Of a list's own entries those that can bear on one person, in the log's order: its notices; the beginnings of its
-- exports since the person's first entry, the newest ones; and of what readers of its feed were handed, before each
-- change of anybody's standing the newest, and after it those that may look back beyond it. However long the log, this
-- reads no more than these. $1 list, $2 indexes of the person's entries, $3 the first of them, $4 how many exports
WITH notices AS MATERIALIZED (
    SELECT index, entry FROM trail_entries WHERE list = $1 AND index IS NOT NULL AND get_byte(entry, 1) = 16
), changes AS MATERIALIZED (
    SELECT unnest($2::bigint[]) AS index
    UNION SELECT index FROM notices WHERE index > $3
    -- The log's end.
    UNION SELECT 9223372036854775807
)
SELECT index, entry FROM notices
UNION (
    SELECT index, entry FROM trail_entries WHERE list = $1 AND index > $3 AND get_byte(entry, 1) = 17
    ORDER BY index DESC LIMIT $4
)
UNION
SELECT e.index, e.entry FROM changes c, LATERAL (
    (SELECT index, entry FROM trail_entries
     WHERE list = $1 AND index > $3 AND index < c.index AND get_byte(entry, 1) = 19 ORDER BY index DESC LIMIT 1)
    UNION ALL
    -- An entry looks back on little more than an hour: so many readers have hardly one each.
    (SELECT index, entry FROM trail_entries
     WHERE list = $1 AND index > c.index AND get_byte(entry, 1) = 19 ORDER BY index LIMIT 100)
) e
ORDER BY index
