-- Sets a password by an invitation, which is used up, and ends the operator's sessions. $1 SHA-256 of the invitation,
-- $2 password, $3 time
WITH invited AS (DELETE FROM invitations WHERE sha256 = $1 AND expires_at > $3 RETURNING operator),
ended AS (DELETE FROM sessions s USING invited i WHERE s.operator = i.operator)
UPDATE operators o SET password = $2 FROM invited i WHERE o.name = i.operator RETURNING o.name
