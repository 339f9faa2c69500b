-- The first schema. Times are seconds since 1970; hashes, ids and documents are their exact bytes.

CREATE TABLE setting (
    name  TEXT PRIMARY KEY,
    value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE counter (
    name  TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counter VALUES ('terminal', 0);

CREATE TABLE root (
    version     INTEGER PRIMARY KEY,
    by_itself   BLOB NOT NULL,
    by_previous BLOB
) STRICT;

-- Documents stay: a terminal that comes late may still ask for the one that its head names.
CREATE TABLE policy (
    hash     BLOB PRIMARY KEY,
    scope    TEXT NOT NULL,
    document BLOB NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE scope (
    name    TEXT PRIMARY KEY,
    epoch   INTEGER NOT NULL,
    seq     INTEGER NOT NULL,
    policy  BLOB NOT NULL REFERENCES policy (hash),
    halted  TEXT,
    created INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE person (
    id           INTEGER PRIMARY KEY,
    login        TEXT NOT NULL,
    display_name TEXT NOT NULL,
    language     TEXT NOT NULL CHECK (language IN ('ja', 'en')),
    user_handle  BLOB NOT NULL UNIQUE,
    not_before   INTEGER,
    not_after    INTEGER,
    status       TEXT NOT NULL CHECK (status IN ('active', 'disabled', 'deleted')),
    created      INTEGER NOT NULL,
    changed      INTEGER NOT NULL
) STRICT;
-- A login name is given again only after its person was deleted.
CREATE UNIQUE INDEX person_login ON person (login) WHERE status <> 'deleted';

CREATE TABLE person_group (
    person INTEGER NOT NULL REFERENCES person (id),
    name   TEXT NOT NULL,
    PRIMARY KEY (person, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE person_scope (
    person INTEGER NOT NULL REFERENCES person (id),
    scope  TEXT NOT NULL REFERENCES scope (name),
    PRIMARY KEY (person, scope)
) STRICT, WITHOUT ROWID;

-- A deleted credential stays as a tombstone: its logins can be verified for ever, and it cannot come back.
CREATE TABLE credential (
    id                 INTEGER PRIMARY KEY,
    person             INTEGER NOT NULL REFERENCES person (id),
    credential_id      BLOB NOT NULL UNIQUE,
    fingerprint        BLOB NOT NULL UNIQUE,
    public_key         BLOB NOT NULL,
    rp_id              TEXT NOT NULL,
    aaguid             BLOB NOT NULL,
    flags              INTEGER NOT NULL,
    cred_protect       INTEGER NOT NULL,
    status             TEXT NOT NULL CHECK (status IN ('active', 'disabled', 'deleted')),
    label              TEXT NOT NULL,
    enrolled           INTEGER NOT NULL,
    counter            INTEGER NOT NULL,
    attestation_format TEXT,
    attestation        BLOB,
    last_used          INTEGER,
    last_terminal      BLOB,
    clone_suspected    INTEGER
) STRICT;
CREATE INDEX credential_person ON credential (person);

-- The published state: per scope one row per login name, with the sequence of its latest change.
CREATE TABLE state (
    scope  TEXT NOT NULL REFERENCES scope (name),
    login  TEXT NOT NULL,
    seq    INTEGER NOT NULL,
    record BLOB,
    PRIMARY KEY (scope, login)
) STRICT;
CREATE UNIQUE INDEX state_seq ON state (scope, seq);

CREATE TABLE terminal (
    id              BLOB PRIMARY KEY,
    number          INTEGER NOT NULL,
    name            TEXT NOT NULL,
    machine         BLOB NOT NULL UNIQUE,
    status          TEXT NOT NULL CHECK (status IN ('pending', 'active', 'revoked')),
    serial          BLOB NOT NULL,
    previous_serial BLOB,
    certificate_end INTEGER NOT NULL,
    joined          INTEGER NOT NULL,
    revoked         INTEGER,
    seen            INTEGER,
    address         TEXT,
    -- Value of the counter 'terminal' at the latest change: the running server reads what is new.
    changed         INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX terminal_changed ON terminal (changed);

CREATE TABLE terminal_scope (
    terminal BLOB NOT NULL REFERENCES terminal (id),
    scope    TEXT NOT NULL REFERENCES scope (name),
    PRIMARY KEY (terminal, scope)
) STRICT, WITHOUT ROWID;

CREATE TABLE join_token (
    id      BLOB PRIMARY KEY,
    secret  BLOB NOT NULL,
    uses    INTEGER NOT NULL,
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    revoked INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE join_token_scope (
    token BLOB NOT NULL REFERENCES join_token (id),
    scope TEXT NOT NULL REFERENCES scope (name),
    PRIMARY KEY (token, scope)
) STRICT, WITHOUT ROWID;

CREATE TABLE join_use (
    token   BLOB NOT NULL REFERENCES join_token (id),
    machine BLOB NOT NULL,
    nonce   BLOB NOT NULL,
    time    INTEGER NOT NULL,
    PRIMARY KEY (token, nonce)
) STRICT, WITHOUT ROWID;

CREATE TABLE enrolment_code (
    id      INTEGER PRIMARY KEY,
    hash    BLOB NOT NULL UNIQUE,
    person  INTEGER NOT NULL REFERENCES person (id),
    created INTEGER NOT NULL,
    expires INTEGER NOT NULL,
    used    INTEGER
) STRICT;

CREATE TABLE event (
    seq        INTEGER PRIMARY KEY AUTOINCREMENT,
    id         BLOB NOT NULL UNIQUE,
    received   INTEGER NOT NULL,
    time       INTEGER NOT NULL,
    terminal   BLOB NOT NULL REFERENCES terminal (id),
    name       TEXT NOT NULL,
    outcome    TEXT NOT NULL,
    reason     INTEGER,
    person     TEXT,
    account    TEXT,
    service    TEXT,
    credential INTEGER REFERENCES credential (id),
    counter    INTEGER,
    -- 'none': nothing to verify; 'valid'; 'invalid': what it claims did not verify, not a login.
    verdict    TEXT NOT NULL CHECK (verdict IN ('none', 'valid', 'invalid')),
    finding    TEXT,
    document   BLOB NOT NULL
) STRICT;
CREATE INDEX event_time ON event (time);
CREATE INDEX event_person ON event (person, time);
CREATE INDEX event_credential ON event (credential, time) WHERE credential IS NOT NULL;

-- Each row's chain is the SHA-256 of the chain before it and of its own content.
CREATE TABLE audit (
    seq    INTEGER PRIMARY KEY AUTOINCREMENT,
    time   INTEGER NOT NULL,
    actor  TEXT NOT NULL,
    action TEXT NOT NULL,
    object TEXT NOT NULL,
    reason TEXT,
    detail TEXT,
    chain  BLOB NOT NULL
) STRICT;

CREATE TRIGGER event_is_kept BEFORE DELETE ON event
    BEGIN SELECT RAISE (ABORT, 'events are not deleted'); END;
CREATE TRIGGER event_is_fixed BEFORE UPDATE ON event
    BEGIN SELECT RAISE (ABORT, 'events are not changed'); END;
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
    BEGIN SELECT RAISE (ABORT, 'the audit trail is not deleted'); END;
CREATE TRIGGER audit_is_fixed BEFORE UPDATE ON audit
    BEGIN SELECT RAISE (ABORT, 'the audit trail is not changed'); END;
