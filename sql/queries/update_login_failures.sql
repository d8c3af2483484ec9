-- Takes one try back, which was none: its password was right. Rows are locked in one order. $1 keys
WITH tried AS (SELECT key, failures FROM login_failures WHERE key = ANY ($1) ORDER BY key FOR UPDATE),
last AS (DELETE FROM login_failures l USING tried t WHERE l.key = t.key AND t.failures = 1)
UPDATE login_failures l SET failures = l.failures - 1 FROM tried t WHERE l.key = t.key AND t.failures > 1
