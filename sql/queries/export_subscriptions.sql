-- The people who may be written to: active, on a purpose that is still the list's. $1 list, $2 exportable states
SELECT s.id, s.lang, s.seal, s.reference, s.confirmed_at, s.notice
FROM subscriptions s
JOIN lists l ON l.list = s.list
JOIN notices n ON n.list = s.list AND n.version = s.notice
WHERE s.list = $1 AND (1 << s.state) & $2::smallint <> 0 AND n.purpose = l.purpose
