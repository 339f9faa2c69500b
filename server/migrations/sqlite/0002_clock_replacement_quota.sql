-- The time by which is signed, replacements of terminals, and how much each terminal sends.

-- One row. Terminals never go back behind a signed time, so a wrong one must not be signed.
CREATE TABLE signing_clock (
    only             INTEGER PRIMARY KEY CHECK (only = 1),
    -- The latest time by which something was signed.
    signed           INTEGER NOT NULL,
    -- Counts what an administrator confirmed: the running server takes it from here.
    confirmation     INTEGER NOT NULL,
    -- What the clock said when it had jumped forward, and what it should have said.
    refused_wall     INTEGER,
    refused_expected INTEGER
) STRICT;
-- In a store of an earlier version: the newest time that the server itself has written. What
-- terminals claim is not among it. A new store has none yet; init writes it.
INSERT INTO signing_clock (only, signed, confirmation)
    SELECT 1, max(newest), 0 FROM (
        SELECT max(time) AS newest FROM audit
        UNION ALL SELECT max(received) FROM event
        UNION ALL SELECT max(joined) FROM terminal
    ) HAVING max(newest) IS NOT NULL;

-- SHA-256 of the public key that the terminal's certificate is for; none for one that joined before.
ALTER TABLE terminal ADD COLUMN key BLOB;
-- The terminal in whose place a machine may come by this token.
ALTER TABLE join_token ADD COLUMN replaces BLOB REFERENCES terminal (id);
-- What a use of a token gave: the same key is given the same again, nobody else anything.
ALTER TABLE join_use ADD COLUMN key BLOB;
ALTER TABLE join_use ADD COLUMN certificate BLOB;

-- Events that a terminal has stored in a day (UTC), for its quota.
CREATE TABLE intake (
    terminal BLOB NOT NULL REFERENCES terminal (id),
    day      INTEGER NOT NULL,
    events   INTEGER NOT NULL,
    bytes    INTEGER NOT NULL,
    -- Whether it was recorded that the quota was reached.
    noted    INTEGER NOT NULL,
    PRIMARY KEY (terminal, day)
) STRICT, WITHOUT ROWID;
