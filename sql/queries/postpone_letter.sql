-- A letter that was not tried yet: this time does not count. $1 list, $2 subscription, $3 kind, $4 end of the lease,
-- $5 next try
UPDATE outbox SET due_at = $5, attempts = attempts - 1
WHERE list = $1 AND subscription = $2 AND kind = $3 AND due_at = $4
