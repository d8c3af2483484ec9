-- Counts a try before its password is looked at, so that none slips through beside others. $1 keys, sorted, $2 time,
-- $3 the time before which older ones do not count any more
INSERT INTO login_failures AS l (key, failures, since) SELECT key, 1, $2 FROM unnest($1::bytea[]) AS key
ON CONFLICT (key) DO UPDATE SET
    failures = CASE WHEN l.since < $3 THEN 1 ELSE l.failures + 1 END,
    since = CASE WHEN l.since < $3 THEN EXCLUDED.since ELSE l.since END
RETURNING key, failures, since
