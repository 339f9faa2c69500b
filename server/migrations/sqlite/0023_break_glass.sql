-- Break-glass: sealed codes, each for one account in one scope. Of the code there is only what
-- terminals verify signatures with.
CREATE TABLE break_glass (
    number   INTEGER PRIMARY KEY,
    id       BLOB NOT NULL UNIQUE,
    person   INTEGER NOT NULL REFERENCES person (id),
    salt     BLOB NOT NULL,
    key      BLOB NOT NULL,
    begins   INTEGER NOT NULL,
    until    INTEGER NOT NULL,
    scope    TEXT NOT NULL REFERENCES scope (name),
    issuer   TEXT NOT NULL,
    reason   TEXT NOT NULL,
    -- When it was used first and at which terminal, how often (terminals that are offline know
    -- nothing of each other), and when an administrator said that this was looked into.
    used     INTEGER,
    used_at  BLOB REFERENCES terminal (id),
    uses     INTEGER NOT NULL DEFAULT 0,
    cleared  INTEGER,
    -- When and by what it became void before its time.
    ended    INTEGER,
    ended_by TEXT CHECK (ended_by IN ('use', 'administrator', 'another', 'time', 'restore'))
) STRICT;
-- An account has one at a time; its record has room for one.
CREATE UNIQUE INDEX break_glass_open ON break_glass (person) WHERE ended IS NULL;
CREATE INDEX break_glass_person ON break_glass (person, number);
CREATE INDEX break_glass_alarm ON break_glass (used) WHERE used IS NOT NULL AND cleared IS NULL;
-- Each login that a code signed, by the id that what was signed gives it: sent
-- again it is no other one.
CREATE TABLE break_glass_use (
    sealed   INTEGER NOT NULL REFERENCES break_glass (number),
    event    BLOB NOT NULL,
    terminal BLOB NOT NULL REFERENCES terminal (id),
    time     INTEGER NOT NULL,
    PRIMARY KEY (sealed, event)
) STRICT, WITHOUT ROWID;
