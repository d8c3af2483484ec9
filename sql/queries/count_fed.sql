-- Counts rows that a reader of a feed is handed, and puts on record that they read in that hour.
-- $1 list, $2 operator, $3 number of the token, $4 hour, $5 rows, $6 time, $7 act, $8 size of the trail before
WITH counted AS (
    INSERT INTO fed AS f (list, operator, token, hour, rows, since) VALUES ($1, $2, $3, $4, $5, $8)
    ON CONFLICT (list, operator, token, hour)
        DO UPDATE SET rows = f.rows + excluded.rows, since = least(f.since, excluded.since)
    -- A row that was there has been locked for this.
    RETURNING xmax = 0 AS is_first
)
INSERT INTO access_records (list, at, operator, act)
SELECT $1, $6::timestamptz, $2, $7 FROM counted WHERE is_first
