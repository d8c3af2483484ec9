-- $1 name
SELECT name FROM operators WHERE name = $1
