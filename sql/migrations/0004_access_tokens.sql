-- What a program says in an operator's name. The token itself is nowhere; its SHA-256 is enough to know it again, and it
-- is random and long, so that nobody finds it from that.
CREATE TABLE access_tokens (
    sha256     bytea       PRIMARY KEY CHECK (octet_length(sha256) = 32),
    operator   text        NOT NULL REFERENCES operators ON DELETE CASCADE,
    created_at timestamptz NOT NULL
);
