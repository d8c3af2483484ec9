-- A closed list takes nobody any more, and nobody on it may be written to: no notice has purpose 0. Its row stays, for
-- its notices stay readable and its number is never used again.
ALTER TABLE lists ADD COLUMN closed_at timestamptz, ADD CHECK (closed_at IS NULL OR purpose = 0);
