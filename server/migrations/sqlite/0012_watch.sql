-- What those who run the server look at: each look reads a few rows, whatever has happened before.

-- The last backup, and what is worth an alarm in the rows of a day.
CREATE INDEX audit_action ON audit (action, time);
-- Keys that may have been copied.
CREATE INDEX credential_suspected ON credential (clone_suspected) WHERE clone_suspected IS NOT NULL;
-- Terminals that have stored the records of a day.
CREATE INDEX intake_noted ON intake (day) WHERE noted = 1;

-- Tokens by which a machine would come in the place of a terminal.
CREATE INDEX join_token_replaces ON join_token (replaces) WHERE replaces IS NOT NULL;

-- Words by which terminals are told apart: a building, a rollout.
CREATE TABLE terminal_tag (
    terminal BLOB NOT NULL REFERENCES terminal (id),
    name     TEXT NOT NULL,
    PRIMARY KEY (terminal, name)
) STRICT, WITHOUT ROWID;

-- Where each terminal says that it is in each of its scopes.
CREATE TABLE terminal_position (
    terminal BLOB NOT NULL REFERENCES terminal (id),
    scope    TEXT NOT NULL REFERENCES scope (name),
    epoch    INTEGER NOT NULL,
    seq      INTEGER NOT NULL,
    PRIMARY KEY (terminal, scope)
) STRICT, WITHOUT ROWID;

-- A deleted terminal stays for its records: it is revoked, in no list, and its machine may join as
-- another one.
ALTER TABLE terminal ADD COLUMN deleted INTEGER;
