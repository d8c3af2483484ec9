-- How many subscriptions a list has, by state; of the active ones, how many may be written to. $1 list
SELECT s.state, count(*) AS all, count(*) FILTER (WHERE n.purpose = l.purpose) AS agreed
FROM subscriptions s JOIN lists l ON l.list = s.list JOIN notices n ON n.list = s.list AND n.version = s.notice
WHERE s.list = $1 GROUP BY s.state
