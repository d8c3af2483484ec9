-- Of whom a list's feed has something to tell: one row for each reference that changed lately. It says that there is
-- news, and not what: whoever reads looks at the subscription as it then is.
CREATE TABLE news (
    list         integer NOT NULL,
    reference    bytea   NOT NULL CHECK (octet_length(reference) = 16),
    -- Whose it is, as long as they are there.
    subscription bytea   CHECK (octet_length(subscription) = 14),
    -- What readers count by. Its default is above all numbers: it waits for one.
    n            bigint  NOT NULL DEFAULT 9223372036854775807 CHECK (n > 0),
    -- When it got its number (UTC).
    day          date,
    PRIMARY KEY (list, reference)
);
CREATE INDEX news_n ON news (list, n);
ALTER TABLE news ALTER reference SET STATISTICS 0, ALTER subscription SET STATISTICS 0;

-- Where each list's feed stands. It begins with the first export.
CREATE TABLE feeds (
    list  integer PRIMARY KEY,
    -- Another whenever readers have to begin again: what they say of an earlier one is worth nothing.
    epoch bytea   NOT NULL DEFAULT uuid_send(gen_random_uuid()) CHECK (octet_length(epoch) = 16),
    -- The last number that was given.
    last  bigint  NOT NULL DEFAULT 0,
    -- The highest number of what is forgotten.
    floor bigint  NOT NULL DEFAULT 0 CHECK (floor <= last)
);

-- How many rows readers of a feed were handed in an hour (since the Unix epoch) that is not yet over, or not yet in the
-- trail. Token 0 is none: an operator at a terminal.
CREATE TABLE fed (
    list     integer NOT NULL,
    operator text    NOT NULL,
    token    bigint  NOT NULL,
    hour     integer NOT NULL,
    rows     bigint  NOT NULL,
    -- The size of the list's trail when the first of them were read, or before: whoever could be exported at any size from
    -- then on may have been among them.
    since    bigint  NOT NULL CHECK (since >= 0),
    PRIMARY KEY (list, operator, token, hour)
);

-- Who is told that a list's feed has news. A call says no more than that.
CREATE TABLE webhooks (
    list           integer     NOT NULL,
    webhook        bytea       NOT NULL CHECK (octet_length(webhook) = 14),
    url            text        NOT NULL,
    -- What calls are signed with, under seal; and the one before, until then.
    secret         bytea       NOT NULL,
    retired_secret bytea,
    retired_until  timestamptz,
    made_at        timestamptz NOT NULL,
    -- Up to where it has been told.
    epoch          bytea       NOT NULL CHECK (octet_length(epoch) = 16),
    told           bigint      NOT NULL,
    -- Not to be called before. Whoever calls moves this past the end of a lease.
    due_at         timestamptz NOT NULL,
    -- The call that has not got through yet: its name, since when, and how often it was tried.
    call           bytea       CHECK (octet_length(call) = 16),
    called_at      timestamptz,
    attempts       integer     NOT NULL DEFAULT 0,
    -- What came of the last call that did not get through: the answer's status, or a word of ours.
    fault          text        CHECK (fault ~ '^[a-z0-9_]{1,20}$'),
    -- When it was given up.
    disabled_at    timestamptz,
    PRIMARY KEY (list, webhook)
);

-- From these entries a person is told to whom they were handed: now from `fed` ones too. Each event by itself, so that
-- the few that are asked for are found among as many others as years of hours make.
DROP INDEX trail_entries_events;
CREATE INDEX trail_entries_events ON trail_entries (list, get_byte(entry, 1), index)
    WHERE index IS NOT NULL AND get_byte(entry, 1) IN (16, 17, 19);
