-- Where each scope stood in the backup that this store was last restored from: a terminal that comes
-- with more was ahead of it, and that is recorded.
CREATE TABLE restored_scope (
    scope TEXT PRIMARY KEY REFERENCES scope (name),
    epoch INTEGER NOT NULL,
    seq   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
