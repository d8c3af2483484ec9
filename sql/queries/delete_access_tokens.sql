-- $1 operator
DELETE FROM access_tokens WHERE operator = $1
