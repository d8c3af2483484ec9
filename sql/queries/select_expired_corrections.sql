-- Subscriptions under whose seal a new address waits that nobody confirmed in time; in the order of the index that has
-- these few alone. $1 now, $2 how many
SELECT list, id FROM subscriptions WHERE correction_expires_at <= $1 ORDER BY list, correction_expires_at LIMIT $2
