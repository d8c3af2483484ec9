SELECT name, fingerprint FROM key_fingerprints
