-- $1 list, $2 time, $3 operator, $4 act, $5 the subscription that it is about, if any
INSERT INTO access_records (list, at, operator, act, subscription) VALUES ($1, $2, $3, $4, $5)
