-- Loaner keys. A key of the pool belongs to a holder of its own, who is in no scope: no terminal
-- knows the holder, and nobody logs in as one.
ALTER TABLE person ADD COLUMN kind TEXT NOT NULL DEFAULT 'staff'
    CHECK (kind IN ('staff', 'loaner'));
CREATE INDEX person_loaner ON person (login) WHERE kind = 'loaner';
-- Loans: while one has not ended, the borrower's record has the key.
CREATE TABLE loan (
    number     INTEGER PRIMARY KEY,
    id         BLOB NOT NULL UNIQUE,
    credential INTEGER NOT NULL REFERENCES credential (id),
    person     INTEGER NOT NULL REFERENCES person (id),
    begins     INTEGER NOT NULL,
    until      INTEGER NOT NULL,
    lender     TEXT NOT NULL,
    reason     TEXT NOT NULL,
    -- When it was last used, and when and by what it ended.
    used       INTEGER,
    ended      INTEGER,
    ended_by   TEXT CHECK (ended_by IN ('return', 'key', 'administrator', 'time'))
) STRICT;
-- A key has one borrower at a time, and a person one key on loan.
CREATE UNIQUE INDEX loan_key ON loan (credential) WHERE ended IS NULL;
CREATE UNIQUE INDEX loan_borrower ON loan (person) WHERE ended IS NULL;
CREATE INDEX loan_credential ON loan (credential, number);
CREATE INDEX loan_person ON loan (person);
