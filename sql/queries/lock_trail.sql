-- Whether this transaction may extend the list's trail; until its end nobody else may. $1 what is locked, $2 list
SELECT pg_try_advisory_xact_lock($1, $2) AS held
