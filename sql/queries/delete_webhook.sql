-- $1 list, $2 its id
DELETE FROM webhooks WHERE list = $1 AND webhook = $2
