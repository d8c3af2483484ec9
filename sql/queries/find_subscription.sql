-- What pages and letters need of one subscription. $1 list, $2 id
SELECT s.state, s.lang, s.seal, s.signed_up_at, s.expires_at, s.confirmed_at, s.told_at,
       n.bytes AS notice_bytes, n.published_at, n.purpose = l.purpose AS purpose_is_current
FROM subscriptions s
JOIN lists l ON l.list = s.list
JOIN notices n ON n.list = s.list AND n.version = s.notice
WHERE s.list = $1 AND s.id = $2
