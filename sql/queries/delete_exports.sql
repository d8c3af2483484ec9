-- Exports from before $1.
DELETE FROM exports WHERE at < $1
