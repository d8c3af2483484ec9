-- The subscriptions of one address over several lists, by list. $1 lists, $2 the address's key on each
SELECT a.list, f.id
FROM unnest($1::integer[], $2::bytea[]) AS a (list, address_key),
LATERAL (
    SELECT s.id FROM subscriptions s WHERE s.list = a.list AND s.address_key = a.address_key
    -- Each is looked up by itself: a join would read the lists through where the planner knows little of them.
    LIMIT 1
) AS f
ORDER BY a.list
