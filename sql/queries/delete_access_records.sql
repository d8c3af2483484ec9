-- Access records from before $1.
DELETE FROM access_records WHERE at < $1
