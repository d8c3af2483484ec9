-- Takes one try back, which was none: its password was right. $1 keys
WITH last AS (DELETE FROM login_failures WHERE key = ANY ($1) AND failures = 1)
UPDATE login_failures SET failures = failures - 1 WHERE key = ANY ($1) AND failures > 1
