-- Keys from before $1, and those of whom there is no row.
DELETE FROM idempotency_keys k
WHERE k.at < $1 OR NOT EXISTS (SELECT FROM subscriptions s WHERE s.list = k.list AND s.id = k.subscription)
