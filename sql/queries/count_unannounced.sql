-- How many people agreed to an earlier notice than the list's present one, and have not been told of that.
-- $1 list, $2 states of people who are told
SELECT count(*) AS people
FROM subscriptions s JOIN lists l ON l.list = s.list
WHERE s.list = $1 AND (1 << s.state) & $2::smallint <> 0 AND s.notice < l.notice
  AND (s.announced IS NULL OR s.announced < l.notice) AND l.closed_at IS NULL
