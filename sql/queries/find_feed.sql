-- Where a list's feed stands, what is the newest after a number, and how far the list's trail is. This is what a poll
-- costs that has nothing to tell: three looks by index. $1 list, $2 number
SELECT f.epoch, f.last, f.floor,
       (SELECT n FROM news WHERE list = $1 AND n > $2 ORDER BY n DESC LIMIT 1) AS newest,
       coalesce(t.size, 0) AS size, coalesce(t.is_replaying, false) AS is_replaying
FROM feeds f LEFT JOIN trails t ON t.list = f.list
WHERE f.list = $1
