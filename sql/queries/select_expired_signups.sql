-- Signups that nobody confirmed in time. Reads the table through: an index on the expiry would make every
-- confirmation write its row's other index entries again. $1 state, $2 now, $3 how many, $4 lists to pass over
SELECT list, id FROM subscriptions WHERE state = $1 AND expires_at <= $2 AND list <> ALL ($4) LIMIT $3
