-- Which exports there were. A row begins with its entry `export_began` in the trail and is filled in with `exported`;
-- it tells of nobody but the operator, and goes after sixty days, as records of access do (med-11).
CREATE TABLE exports (
    list        integer     NOT NULL,
    -- The random id that both entries carry.
    export      bytea       NOT NULL CHECK (octet_length(export) = 16),
    at          timestamptz NOT NULL,
    operator    text        NOT NULL,
    -- The number of the token that a program came with.
    token       bigint,
    format      text        NOT NULL CHECK (format ~ '^[a-z]{1,20}$'),
    tree_size   bigint      NOT NULL CHECK (tree_size >= 0),
    checkpoint  text        NOT NULL,
    -- Where the list's feed goes on from the file.
    feed        text        NOT NULL,
    valid_until timestamptz NOT NULL,
    -- None before all of it was handed over, and where it broke off.
    rows        bigint      CHECK (rows >= 0),
    sha256      bytea       CHECK (octet_length(sha256) = 32),
    finished_at timestamptz,
    PRIMARY KEY (list, export),
    CHECK ((finished_at IS NULL) = (rows IS NULL) AND (finished_at IS NULL) = (sha256 IS NULL))
);
CREATE INDEX exports_at ON exports (list, at, export);
