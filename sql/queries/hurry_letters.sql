-- Every letter comes due at $1, whoever held it.
UPDATE outbox SET due_at = $1 WHERE due_at > $1 AND dead_at IS NULL
