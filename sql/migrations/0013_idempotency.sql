-- Which request of a website's backend came with which key within the last day. Both are HMACs, and those are personal
-- data for as long as their key exists (EDPB 02/2025): a row goes with its person, in the statement that erases them.
CREATE TABLE idempotency_keys (
    list         integer     NOT NULL,
    key          bytea       NOT NULL CHECK (octet_length(key) = 32),
    request      bytea       NOT NULL CHECK (octet_length(request) = 32),
    subscription bytea       NOT NULL CHECK (octet_length(subscription) = 14),
    at           timestamptz NOT NULL,
    PRIMARY KEY (list, key)
);
CREATE INDEX idempotency_keys_subscription ON idempotency_keys (list, subscription);
ALTER TABLE idempotency_keys ALTER key SET STATISTICS 0, ALTER request SET STATISTICS 0,
    ALTER subscription SET STATISTICS 0;
