-- Marks of letters that were given up before $1.
DELETE FROM outbox WHERE dead_at < $1
