-- $1 list
SELECT webhook, url, made_at, attempts, fault, disabled_at, retired_until FROM webhooks WHERE list = $1
ORDER BY made_at, webhook
