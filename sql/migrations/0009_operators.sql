-- Operators log in with a password of their own. What is here of them is theirs, and ordinary data.
ALTER TABLE operators
    -- Where an invitation goes.
    ADD COLUMN mail text,
    -- Argon2id, in the PHC string format. None before an invitation was accepted.
    ADD COLUMN password text,
    -- When they said that they keep personal data confidential, and the SHA-256 of the text that they said it to.
    ADD COLUMN confidential_at timestamptz,
    ADD COLUMN confidential_sha256 bytea CHECK (octet_length(confidential_sha256) = 32),
    ADD CHECK ((confidential_at IS NULL) = (confidential_sha256 IS NULL));

-- What an operator is on a list: 1 admin, 2 marketer, 3 auditor. List 0 is every list, also those to come.
CREATE TABLE grants (
    operator text     NOT NULL REFERENCES operators ON DELETE CASCADE,
    list     integer  NOT NULL CHECK (list >= 0),
    role     smallint NOT NULL CHECK (role BETWEEN 1 AND 3),
    PRIMARY KEY (list, operator)
);
CREATE INDEX grants_operator ON grants (operator);
-- Until now an operator could do everything.
INSERT INTO grants (operator, list, role) SELECT name, 0, 1 FROM operators;

-- Who is logged in. What the browser says is nowhere, only its SHA-256.
CREATE TABLE sessions (
    sha256     bytea       PRIMARY KEY CHECK (octet_length(sha256) = 32),
    operator   text        NOT NULL REFERENCES operators ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);
CREATE INDEX sessions_operator ON sessions (operator);

-- Links by which an operator sets a password, each once.
CREATE TABLE invitations (
    sha256     bytea       PRIMARY KEY CHECK (octet_length(sha256) = 32),
    operator   text        NOT NULL REFERENCES operators ON DELETE CASCADE,
    expires_at timestamptz NOT NULL
);

-- How often in a row a password was wrong: for an account, and from a network. Which, an HMAC says.
CREATE TABLE login_failures (
    key      bytea       PRIMARY KEY CHECK (octet_length(key) = 32),
    failures integer     NOT NULL CHECK (failures > 0),
    since    timestamptz NOT NULL
);

-- What a program may do in its operator's name: no more than the operator may, and no more than these bits say.
ALTER TABLE access_tokens
    ADD COLUMN token      bigint      GENERATED ALWAYS AS IDENTITY UNIQUE,
    ADD COLUMN name       text        NOT NULL DEFAULT '',
    -- 16: what tokens opened until now, the trail.
    ADD COLUMN rights     integer     NOT NULL DEFAULT 16,
    -- The lists that it is for; all of the operator's where there is none.
    ADD COLUMN lists      integer[],
    ADD COLUMN expires_at timestamptz,
    ADD COLUMN used_at    timestamptz;
ALTER TABLE access_tokens ALTER name DROP DEFAULT, ALTER rights DROP DEFAULT;

-- More is on record now; list 0 is none.
ALTER TABLE access_records DROP CONSTRAINT access_records_act_check,
    ADD CHECK (act ~ '^[a-z_]{1,20}$');
