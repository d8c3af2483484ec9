-- A database as 0001 shaped it, with a row of each kind in each table. It is never changed.
INSERT INTO lists (slug, options, notice, purpose, created_at)
VALUES ('news', '{"title": {"en": "News"}, "lang": "en", "pending_ttl_hours": 72, "fields": [], "sender": {}}', 2, 1,
        '2026-11-22 03:00+00');

INSERT INTO notices (list, version, purpose, sha256, bytes, published_at)
SELECT 1, version, 1, sha256(bytes), bytes, '2026-11-22 03:00+00'
FROM generate_series(1, 2) AS version,
     convert_to('{"version":' || version || ',"purpose":1,"texts":{}}', 'UTF8') AS bytes;

INSERT INTO subscriptions (list, id, address_key, state, notice, lang, seal, reference, confirmed_commitment,
                           withdrawn_commitment, signed_up_at, expires_at, confirmed_at, told_at)
SELECT 1, substr(sha256(id), 1, 14), sha256(id || 'key'), state, 1, 'en', sha256(id || 'seal'),
       substr(sha256(id || 'reference'), 1, 16), CASE WHEN state = 1 THEN sha256(id || 'confirmed') END,
       sha256(id || 'withdrawn'), '2026-11-22 03:10+00', '2026-11-25 03:10+00',
       CASE WHEN state > 1 THEN timestamptz '2026-11-22 03:20+00' END,
       CASE WHEN state = 2 THEN timestamptz '2026-11-22 03:30+00' END
FROM generate_series(1, 3) AS state, convert_to('person ' || state, 'UTF8') AS id;

INSERT INTO outbox (list, subscription, kind, queued_at, due_at, attempts, status, dead_at)
SELECT 1, id, 1, signed_up_at, expires_at, 2, '4.4.1', CASE WHEN state = 2 THEN expires_at END FROM subscriptions;

INSERT INTO trail_entries (list, index, entry)
SELECT 1, CASE WHEN n < 2 THEN n END, substr(sha256(n::text::bytea) || sha256('x') || sha256('y'), 1, 70)
FROM generate_series(0, 3) AS n;

INSERT INTO operators (name, created_at) VALUES ('maria', '2026-11-22 03:00+00');

INSERT INTO key_fingerprints (name, fingerprint) VALUES ('index', substr(sha256('index'), 1, 16));
