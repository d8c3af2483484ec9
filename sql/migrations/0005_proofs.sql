-- Where an entry of a person stands in the log, by its commitment: for a receipt, and for the replay of a mirror. Only
-- what the sealer has numbered is in it, so that an act pays nothing for it. Eight bytes tell entries apart well enough;
-- whoever looks one up compares the rest.
CREATE INDEX trail_entries_commitment ON trail_entries (list, substr(entry, 39, 8)) WHERE index IS NOT NULL;
ALTER INDEX trail_entries_commitment ALTER COLUMN 2 SET STATISTICS 0;

-- A withdrawal is undone once: the page that undoes it always brings the same commitment.
CREATE UNIQUE INDEX trail_entries_restored ON trail_entries (list, substr(entry, 39, 32)) WHERE get_byte(entry, 1) = 5;
ALTER INDEX trail_entries_restored ALTER COLUMN 2 SET STATISTICS 0;

-- Set while a mirror is replayed over a restored database: the log is whole again, the rows are not yet. Until then
-- nothing is signed, sent or exported for the list.
ALTER TABLE trails ADD COLUMN is_replaying boolean NOT NULL DEFAULT false;
