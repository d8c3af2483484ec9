-- $1 operator, $2 the token's number
DELETE FROM access_tokens WHERE operator = $1 AND token = $2
