-- Every primary key and hot statement begins with the list, so that tables can be partitioned or distributed by
-- list without a change of code. No column below holds anything personal in the clear: see docs/ARCHITECTURE.md.

CREATE TABLE lists (
    -- Never used again, even when the list is gone: it stands in tokens and in the trail's name.
    list        integer     GENERATED ALWAYS AS IDENTITY PRIMARY KEY CHECK (list > 0),
    slug        text        NOT NULL UNIQUE,
    options     jsonb       NOT NULL,
    -- The current notice. Its purpose is repeated here, so that confirming and exporting compare two numbers.
    notice      integer     NOT NULL,
    purpose     integer     NOT NULL,
    created_at  timestamptz NOT NULL
);

CREATE TABLE notices (
    list         integer     NOT NULL REFERENCES lists,
    version      integer     NOT NULL CHECK (version > 0),
    purpose      integer     NOT NULL CHECK (purpose > 0),
    sha256       bytea       NOT NULL CHECK (octet_length(sha256) = 32),
    bytes        bytea       NOT NULL,
    published_at timestamptz NOT NULL,
    PRIMARY KEY (list, version)
);

-- No foreign key to lists: it would lock the hot list row at every signup.
CREATE TABLE subscriptions (
    list                 integer     NOT NULL,
    id                   bytea       NOT NULL CHECK (octet_length(id) = 14),
    address_key          bytea       NOT NULL CHECK (octet_length(address_key) = 32),
    -- 1 pending, 2 active, 3 paused. Unsubscribed is no state: it is no row.
    state                smallint    NOT NULL CHECK (state BETWEEN 1 AND 3),
    notice               integer     NOT NULL,
    lang                 text        NOT NULL,
    seal                 bytea       NOT NULL,
    -- What exports and the feed call this row.
    reference            bytea       NOT NULL CHECK (octet_length(reference) = 16),
    -- The commitments that the next acts copy into the trail. The first is gone once it has been used.
    confirmed_commitment bytea       CHECK (octet_length(confirmed_commitment) = 32),
    withdrawn_commitment bytea       NOT NULL CHECK (octet_length(withdrawn_commitment) = 32),
    signed_up_at         timestamptz NOT NULL,
    expires_at           timestamptz NOT NULL,
    confirmed_at         timestamptz,
    -- When "you are already subscribed" was last sent.
    told_at              timestamptz,
    PRIMARY KEY (list, id),
    CONSTRAINT subscriptions_address UNIQUE (list, address_key),
    CHECK ((state = 1) = (confirmed_at IS NULL)),
    CHECK (state <> 1 OR confirmed_commitment IS NOT NULL)
);

-- ANALYZE copies sampled values into a table of its own, where they would outlive their person. Batches go by index
-- whatever the statistics say.
ALTER TABLE subscriptions
    ALTER id SET STATISTICS 0,
    ALTER address_key SET STATISTICS 0,
    ALTER seal SET STATISTICS 0,
    ALTER reference SET STATISTICS 0,
    ALTER confirmed_commitment SET STATISTICS 0,
    ALTER withdrawn_commitment SET STATISTICS 0,
    ALTER signed_up_at SET STATISTICS 0,
    ALTER expires_at SET STATISTICS 0,
    ALTER confirmed_at SET STATISTICS 0,
    ALTER told_at SET STATISTICS 0;

-- Letters that wait. One of a kind a subscription; erased with it by the primary key's prefix, so that no second
-- index is paid for at every signup.
CREATE TABLE outbox (
    list         integer     NOT NULL,
    subscription bytea       NOT NULL,
    kind         smallint    NOT NULL,
    queued_at    timestamptz NOT NULL,
    -- When to try next. A postman who takes a letter moves this past the end of its lease.
    due_at       timestamptz NOT NULL,
    attempts     integer     NOT NULL DEFAULT 0,
    -- The enhanced status code of the last failure (RFC 3463), never a relay's words: those quote addresses.
    status       text        CHECK (status ~ '^[245]\.\d{1,3}\.\d{1,3}$'),
    -- Set when it was given up.
    dead_at      timestamptz,
    PRIMARY KEY (list, subscription, kind)
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE dead_at IS NULL;
ALTER TABLE outbox ALTER subscription SET STATISTICS 0, ALTER queued_at SET STATISTICS 0;

-- Queue and log in one: an act inserts its entry without an index, a sequencer gives the index later.
CREATE TABLE trail_entries (
    list  integer NOT NULL,
    index bigint  CHECK (index >= 0),
    entry bytea   NOT NULL CHECK (octet_length(entry) = 70),
    CONSTRAINT trail_entries_index UNIQUE (list, index)
);
ALTER TABLE trail_entries ALTER entry SET STATISTICS 0;

CREATE TABLE operators (
    name       text        PRIMARY KEY CHECK (name ~ '^[a-z0-9][a-z0-9._-]{0,62}$'),
    created_at timestamptz NOT NULL
);

-- Tells a service that it was started with another key ring than the one that sealed these rows.
CREATE TABLE key_fingerprints (
    name        text  PRIMARY KEY,
    fingerprint bytea NOT NULL CHECK (octet_length(fingerprint) = 16)
);
