-- Keeps others from giving numbers, until this transaction ends. $1 list
SELECT last FROM feeds WHERE list = $1 FOR UPDATE
