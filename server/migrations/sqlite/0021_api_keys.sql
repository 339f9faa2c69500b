-- Who may ask over the interface for administration: keys, each with a role, the scopes that it is for, and an end.
CREATE TABLE api_key (
    -- Its name in the trail; stands in the token before the secret.
    id       BLOB PRIMARY KEY,
    -- SHA-256 of id and secret. The secret is random and as long as the hash.
    hash     BLOB NOT NULL,
    name     TEXT NOT NULL,
    role     TEXT NOT NULL,
    -- 1: for every scope; 0: for those of api_key_scope, also when there are none.
    everywhere INTEGER NOT NULL,
    created  INTEGER NOT NULL,
    expires  INTEGER NOT NULL,
    disabled INTEGER,
    -- Within an hour.
    used     INTEGER
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_created ON api_key (created, id);

CREATE TABLE api_key_scope (
    api_key BLOB NOT NULL REFERENCES api_key (id),
    scope   TEXT NOT NULL REFERENCES scope (name),
    PRIMARY KEY (api_key, scope)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_key_scope_scope ON api_key_scope (scope);

-- Answers to requests with an Idempotency-Key, given again for a day.
CREATE TABLE api_answer (
    api_key BLOB NOT NULL REFERENCES api_key (id),
    name    TEXT NOT NULL,
    -- SHA-256 of method, path and body.
    request BLOB NOT NULL,
    -- Sealed under the secret of the API key, which is not stored: an answer may hold a code.
    answer  BLOB NOT NULL,
    time    INTEGER NOT NULL,
    PRIMARY KEY (api_key, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX api_answer_time ON api_answer (time);
