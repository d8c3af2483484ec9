-- How many people did what, of each list and day, and not who: 1 to 7 and 20 are the trail's events, counted as it is
-- sealed, by the day of their hour; 32 signups; from 64 on how long people took to confirm (src/consent/figures.rs).
-- No foreign key to lists: it would lock the hot list row at every signup.
CREATE TABLE tallies (
    list  integer  NOT NULL,
    day   date     NOT NULL,
    kind  smallint NOT NULL CHECK (kind > 0),
    count bigint   NOT NULL CHECK (count >= 0),
    PRIMARY KEY (list, day, kind)
);

-- Up to which size of the log its acts are counted, and how many people that leaves on the list: confirmed and restored,
-- less withdrawn and lost. A version that does not know of this seals on without counting; the next one catches up.
ALTER TABLE trails
    ADD COLUMN tallied     bigint NOT NULL DEFAULT 0,
    ADD COLUMN subscribers bigint NOT NULL DEFAULT 0,
    ADD CHECK (tallied BETWEEN 0 AND size);

-- What has been so far; as in sql/queries/count_acts.sql.
WITH acts AS (
    SELECT t.list, date 'epoch' + (('x' || encode(substr(e.entry, 3, 4), 'hex'))::bit(32)::bigint / 24)::int AS day,
           get_byte(e.entry, 1) AS kind,
           sum(CASE get_byte(e.entry, 1) WHEN 20 THEN ('x' || encode(substr(e.entry, 63, 8), 'hex'))::bit(64)::bigint
                                         ELSE 1 END) AS people
    FROM trails t JOIN trail_entries e ON e.list = t.list AND e.index < t.size
    WHERE get_byte(e.entry, 1) IN (1, 2, 3, 4, 5, 6, 7, 20)
    GROUP BY 1, 2, 3
), counted AS (
    INSERT INTO tallies (list, day, kind, count) SELECT list, day, kind, people FROM acts
), still_there AS (
    SELECT list, sum(CASE WHEN kind IN (1, 5) THEN people WHEN kind IN (2, 20) THEN -people ELSE 0 END) AS people
    FROM acts GROUP BY list
)
UPDATE trails t SET tallied = size, subscribers = coalesce((SELECT people FROM still_there s WHERE s.list = t.list), 0);
