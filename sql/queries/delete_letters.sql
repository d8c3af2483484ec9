-- Empties a list's outbox. $1 list
DELETE FROM outbox WHERE list = $1
