-- A request about somebody who is there came with a key. $1 list, $2 key, $3 request, $4 subscription, $5 time
INSERT INTO idempotency_keys AS k (list, key, request, subscription, at)
SELECT $1, $2, $3, $4, $5 FROM subscriptions s WHERE s.list = $1 AND s.id = $4
ON CONFLICT (list, key) DO UPDATE
SET request = excluded.request, subscription = excluded.subscription, at = excluded.at
