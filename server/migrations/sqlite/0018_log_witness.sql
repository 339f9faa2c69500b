-- Terminals that witness the log of records: the key by which each cosigns, and what it cosigned last.
CREATE TABLE log_witness (
    terminal  BLOB PRIMARY KEY REFERENCES terminal (id),
    -- Of the first cosignature since it joined.
    key       BLOB NOT NULL,
    origin    TEXT NOT NULL,
    size      INTEGER NOT NULL,
    root      BLOB NOT NULL,
    signature TEXT NOT NULL,
    received  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX log_witness_received ON log_witness (received);
CREATE INDEX log_witness_size ON log_witness (origin, size, received);
