-- The request that came with a key since a time. $1 list, $2 key, $3 time
SELECT request FROM idempotency_keys WHERE list = $1 AND key = $2 AND at > $3
