-- Takes the webhook that has waited longest among those whose list has news that they were not told of, or whose feed
-- has begun again; and moves it past the end of the lease. $1 now, $2 end of the lease, $3 name of the call, if it is a
-- new one
WITH due AS (
    SELECT w.list, w.webhook, l.slug FROM webhooks w
    JOIN feeds f ON f.list = w.list
    JOIN lists l ON l.list = w.list
    WHERE w.disabled_at IS NULL AND w.due_at <= $1 AND l.closed_at IS NULL
      AND (f.epoch <> w.epoch OR EXISTS (SELECT FROM news n WHERE n.list = w.list AND n.n > w.told))
    ORDER BY w.due_at LIMIT 1 FOR UPDATE OF w SKIP LOCKED
)
UPDATE webhooks w
SET due_at = $2, attempts = w.attempts + 1, call = coalesce(w.call, $3), called_at = coalesce(w.called_at, $1)
FROM due d WHERE w.list = d.list AND w.webhook = d.webhook
RETURNING w.list, d.slug, w.webhook, w.url, w.secret, w.call, w.called_at, w.attempts,
          CASE WHEN w.retired_until > $1 THEN w.retired_secret END AS retired_secret
