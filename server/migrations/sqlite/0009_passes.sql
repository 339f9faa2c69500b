-- Passes: codes that let somebody in without the key for some hours. Of the code there is only what
-- terminals verify signatures with.
CREATE TABLE pass (
    number   INTEGER PRIMARY KEY,
    id       BLOB NOT NULL UNIQUE,
    person   INTEGER NOT NULL REFERENCES person (id),
    salt     BLOB NOT NULL,
    key      BLOB NOT NULL,
    begins   INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    -- Where: one of these.
    scope    TEXT REFERENCES scope (name),
    terminal BLOB REFERENCES terminal (id),
    issuer   TEXT NOT NULL,
    reason   TEXT NOT NULL,
    -- When it was last used, and when and by what it ended before its time.
    used     INTEGER,
    ended    INTEGER,
    ended_by TEXT CHECK (ended_by IN ('key', 'administrator', 'another-pass', 'time')),
    CHECK ((scope IS NULL) <> (terminal IS NULL))
) STRICT;
-- A person has one at a time; its record has room for one.
CREATE UNIQUE INDEX pass_open ON pass (person) WHERE ended IS NULL;
CREATE INDEX pass_person ON pass (person, number);
