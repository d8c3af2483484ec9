-- A lease goes on, if it is still held. $1 list, $2 subscription, $3 kind, $4 end of the lease, $5 its new end
UPDATE outbox SET due_at = $5 WHERE list = $1 AND subscription = $2 AND kind = $3 AND due_at = $4
