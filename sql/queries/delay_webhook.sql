-- The call did not get through, and is tried again or given up. $1 list, $2 its id, $3 end of the lease, $4 when to try
-- again, $5 why it did not, $6 when it was given up, if it was
UPDATE webhooks SET due_at = $4, fault = $5, disabled_at = $6 WHERE list = $1 AND webhook = $2 AND due_at = $3
