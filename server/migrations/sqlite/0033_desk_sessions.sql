-- Who is signed in where, as the records of the terminals say: a row for each session that has begun and
-- not ended. A session is known by its account and the second in which it began.
CREATE TABLE desk_session (
    number        INTEGER PRIMARY KEY,
    terminal      BLOB NOT NULL REFERENCES terminal (id),
    account       TEXT NOT NULL,
    began         INTEGER NOT NULL,
    -- logind's, when a record said it.
    session       TEXT,
    person        TEXT NOT NULL,
    -- The first digits of the key's fingerprint, as recorded.
    key           TEXT,
    service       TEXT,
    tty           TEXT,
    seat          TEXT,
    -- When this person signed in to it, when a record said it.
    since         INTEGER,
    screen        TEXT NOT NULL CHECK (screen IN ('open', 'locked', 'opened')),
    screen_since  INTEGER,
    screen_reason INTEGER,
    -- The newest record that it is after: its time, and which of one second is the later one.
    told          INTEGER NOT NULL,
    rank          INTEGER NOT NULL,
    UNIQUE (terminal, account, began)
) STRICT;

-- Sessions that have ended: their other records may come later, as terminals send what matters first.
CREATE TABLE desk_session_ended (
    terminal BLOB NOT NULL REFERENCES terminal (id),
    account  TEXT NOT NULL,
    began    INTEGER NOT NULL,
    noted    INTEGER NOT NULL,
    PRIMARY KEY (terminal, account, began)
) STRICT, WITHOUT ROWID;

-- When a terminal last lost records, or was revoked: what it said up to then may be over.
CREATE TABLE desk_doubt (
    terminal BLOB PRIMARY KEY REFERENCES terminal (id),
    time     INTEGER NOT NULL
) STRICT;

-- When a key was switched off: which keys were lost today.
ALTER TABLE credential ADD COLUMN disabled INTEGER;
CREATE INDEX credential_disabled ON credential (disabled) WHERE disabled IS NOT NULL;
