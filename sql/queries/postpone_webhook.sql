-- It was not called. $1 list, $2 its id, $3 end of the lease, $4 not to be called before
UPDATE webhooks SET due_at = $4, attempts = attempts - 1 WHERE list = $1 AND webhook = $2 AND due_at = $3
