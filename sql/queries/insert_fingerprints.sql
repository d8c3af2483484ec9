-- Notes the ring's keys beside those known already, none over another. $1 names, $2 fingerprints
INSERT INTO key_fingerprints (name, fingerprint) SELECT * FROM unnest($1::text[], $2::bytea[]) ON CONFLICT DO NOTHING
