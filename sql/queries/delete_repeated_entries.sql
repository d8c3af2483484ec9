-- Entries of persons that wait though the log has their commitments: whose act a restored backup did not know, and who did
-- it once more before their row was brought up to the log. $1 list
DELETE FROM trail_entries w
WHERE w.list = $1 AND w.index IS NULL AND get_byte(w.entry, 1) < 16
  AND EXISTS (
    SELECT FROM trail_entries e
    WHERE e.list = $1 AND e.index IS NOT NULL AND substr(e.entry, 39, 8) = substr(w.entry, 39, 8)
      AND substr(e.entry, 39, 32) = substr(w.entry, 39, 32)
  )
