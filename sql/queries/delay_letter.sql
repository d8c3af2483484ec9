-- A letter to be tried again. $1 list, $2 subscription, $3 kind, $4 end of the lease, $5 next try, $6 status
UPDATE outbox SET due_at = $5, status = $6
WHERE list = $1 AND subscription = $2 AND kind = $3 AND due_at = $4
