-- How many of a list's letters wait, and how many were given up, of so many as are looked at. $1 list, $2 how many
SELECT count(*) FILTER (WHERE dead_at IS NULL) AS waiting, count(dead_at) AS given_up
FROM (SELECT dead_at FROM outbox WHERE list = $1 LIMIT $2) o
