-- Subscriptions of lists that were closed. $1 how many
SELECT s.list, s.id FROM lists l JOIN subscriptions s ON s.list = l.list WHERE l.closed_at IS NOT NULL LIMIT $1
