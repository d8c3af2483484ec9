-- A list with its current notice. $1 list
SELECT l.list, l.slug, l.options, l.closed_at IS NOT NULL AS is_closed, n.bytes, n.published_at
FROM lists l JOIN notices n ON n.list = l.list AND n.version = l.notice
WHERE l.list = $1
