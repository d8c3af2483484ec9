-- How many letters did not arrive since a day. $1 list, $2 a moment of that day
SELECT coalesce(sum(letters), 0)::bigint AS letters FROM bounces
WHERE list = $1 AND day >= ($2::timestamptz AT TIME ZONE 'UTC')::date
