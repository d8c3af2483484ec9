-- Which operator looked at whose data, or had it written out, and when. A subject is named by the id of the subscription
-- alone, and no longer than that is there; the whole record goes after sixty days.
CREATE TABLE access_records (
    list         integer     NOT NULL,
    record       bigint      GENERATED ALWAYS AS IDENTITY,
    at           timestamptz NOT NULL,
    operator     text        NOT NULL,
    act          text        NOT NULL CHECK (act IN ('evidence', 'export')),
    -- Nobody's where the act was about no single person, or the person has gone since.
    subscription bytea       CHECK (octet_length(subscription) = 14),
    PRIMARY KEY (list, record)
);
CREATE INDEX access_records_subject ON access_records (list, subscription) WHERE subscription IS NOT NULL;
ALTER TABLE access_records ALTER subscription SET STATISTICS 0;
