-- The call got through, and told of everything up to a number. $1 list, $2 its id, $3 end of the lease, $4 epoch,
-- $5 number, $6 not to be called before
UPDATE webhooks SET epoch = $4, told = $5, due_at = $6, call = NULL, called_at = NULL, attempts = 0, fault = NULL
WHERE list = $1 AND webhook = $2 AND due_at = $3
