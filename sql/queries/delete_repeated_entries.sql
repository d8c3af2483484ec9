-- Entries that wait to be numbered though the log has the same act already: it was done again on a restored row, before
-- that was brought up to the log. $1 list
DELETE FROM trail_entries w
WHERE w.list = $1 AND w.index IS NULL
  AND EXISTS (SELECT FROM trail_entries e
              WHERE e.list = $1 AND e.index IS NOT NULL AND substr(e.entry, 39, 8) = substr(w.entry, 39, 8)
                AND substr(e.entry, 39, 32) = substr(w.entry, 39, 32))
