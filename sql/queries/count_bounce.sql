-- A letter that did not arrive, counted with the others of its list and day. $1 list, $2 subscription, $3 now
INSERT INTO bounces AS b (list, day, letters)
SELECT list, ($3::timestamptz AT TIME ZONE 'UTC')::date, 1 FROM subscriptions WHERE list = $1 AND id = $2
ON CONFLICT (list, day) DO UPDATE SET letters = b.letters + 1
