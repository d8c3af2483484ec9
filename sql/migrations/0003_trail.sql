-- What the sealer makes of a list's entries: the right edge that the log grows by, the newest signed checkpoint, and the
-- one that the public sees, which is renewed at an interval.
CREATE TABLE trails (
    list              integer     PRIMARY KEY,
    -- The log's name and the key's, fixed at the first seal for ever: it survives another host or slug.
    origin            text        NOT NULL,
    size              bigint      NOT NULL CHECK (size > 0),
    frontier          bytea       NOT NULL,
    checkpoint        text        NOT NULL,
    sealed_at         timestamptz NOT NULL,
    public_size       bigint      NOT NULL CHECK (public_size BETWEEN 1 AND size),
    public_checkpoint text        NOT NULL,
    public_at         timestamptz NOT NULL
);

-- Tiles of hashes (C2SP tlog-tiles): a tile grows at its end until it is full, and is then never written again.
CREATE TABLE trail_tiles (
    list   integer  NOT NULL,
    level  smallint NOT NULL CHECK (level BETWEEN 0 AND 7),
    index  bigint   NOT NULL CHECK (index >= 0),
    hashes bytea    NOT NULL CHECK (octet_length(hashes) % 32 = 0 AND octet_length(hashes) BETWEEN 32 AND 8192),
    PRIMARY KEY (list, level, index)
);
-- Hashes do not compress.
ALTER TABLE trail_tiles ALTER hashes SET STORAGE EXTERNAL;
