-- The newest first. $1 lists, $2 those before this record, $3 how many
SELECT list, record, at, operator, act, subscription IS NOT NULL AS is_about_somebody FROM access_records
WHERE list = ANY ($1) AND record < $2 ORDER BY record DESC LIMIT $3
