-- Subscriptions under whose seal a new address waits that nobody confirmed in time. $1 now, $2 how many
SELECT list, id FROM subscriptions WHERE correction_expires_at <= $1 LIMIT $2
