-- A letter that was delivered or has nobody to go to, unless somebody else holds the lease by now.
-- $1 list, $2 subscription, $3 kind, $4 end of the lease
DELETE FROM outbox WHERE list = $1 AND subscription = $2 AND kind = $3 AND due_at = $4
