-- $1 operator, $2 list
DELETE FROM grants WHERE operator = $1 AND list = $2
