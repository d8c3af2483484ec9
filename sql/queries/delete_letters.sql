-- Empties a list's outbox. Whoever waited for a letter about a new notice has not been told of it. $1 list, $2 kind of
-- that letter
WITH emptied AS (
    DELETE FROM outbox WHERE list = $1 RETURNING subscription, kind
)
UPDATE subscriptions SET announced = NULL
WHERE list = $1 AND id = ANY (ARRAY(SELECT subscription FROM emptied WHERE kind = $2::smallint))
