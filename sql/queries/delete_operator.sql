-- With roles, sessions, invitations and tokens; what they did stays on record. $1 name
DELETE FROM operators WHERE name = $1
