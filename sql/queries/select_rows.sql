-- A list's subscriptions in the order of their ids. $1 list, $2 the id that comes before, $3 how many
SELECT id, state, seal FROM subscriptions WHERE list = $1 AND id > $2 ORDER BY id LIMIT $3
