-- One entry of the service's own; it waits for the sealer. $1 list, $2 entry
INSERT INTO trail_entries (list, entry) VALUES ($1, $2)
