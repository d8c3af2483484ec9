-- A webhook that is told of what comes from now on. The list's feed has begun. $1 list, $2 its id, $3 URL, $4 sealed
-- secret, $5 time
INSERT INTO webhooks (list, webhook, url, secret, made_at, epoch, told, due_at)
SELECT $1, $2, $3, $4, $5, epoch, last, $5 FROM feeds WHERE list = $1
