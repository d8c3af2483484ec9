-- A new secret; the one before signs beside it for a while. One that was given up is called again. $1 list, $2 its id,
-- $3 sealed secret, $4 until when the one before signs, $5 time
UPDATE webhooks SET secret = $3, retired_secret = secret, retired_until = $4, disabled_at = NULL, attempts = 0,
                    fault = NULL, due_at = $5
WHERE list = $1 AND webhook = $2
