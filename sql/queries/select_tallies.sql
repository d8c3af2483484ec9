-- What was counted of some lists, by day; letters that did not arrive as a kind of their own. $1 lists, $2 first day,
-- $3 last day, $4 kind of such letters, $5 the first kind that is not asked for
SELECT list, day, kind, count FROM tallies WHERE list = ANY ($1) AND day BETWEEN $2 AND $3 AND kind < $5
UNION ALL
SELECT list, day, $4::smallint, letters FROM bounces WHERE list = ANY ($1) AND day BETWEEN $2 AND $3
