-- Sets another password, and ends the operator's sessions and invitations. $1 operator, $2 password before, $3 password
WITH changed AS (UPDATE operators SET password = $3 WHERE name = $1 AND password = $2 RETURNING name),
ended AS (DELETE FROM sessions s USING changed c WHERE s.operator = c.name),
gone AS (DELETE FROM invitations i USING changed c WHERE i.operator = c.name)
SELECT name FROM changed
