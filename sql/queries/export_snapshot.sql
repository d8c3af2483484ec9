-- What this transaction sees, as a name under which another may see the same.
SELECT pg_export_snapshot() AS snapshot
