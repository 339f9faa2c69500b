-- The log of events (docs/FORMATS.md, "The log of records"): a Merkle tree over them. Whoever kept an
-- older checkpoint of it finds out what was changed, removed or put in between since.
CREATE TABLE event_log (
    id         INTEGER PRIMARY KEY CHECK (id = 1),
    -- Part of the log's name. Another one after a restore: a log that may have lost its end is another
    -- log.
    generation INTEGER NOT NULL,
    -- What was signed last.
    size       INTEGER,
    root       BLOB,
    signed     INTEGER
) STRICT;
INSERT INTO event_log (id, generation) VALUES (1, 1);

-- The entries, from 0 without gaps, in the order of the numbers of their events.
CREATE TABLE event_log_entry (
    position INTEGER PRIMARY KEY,
    event    INTEGER NOT NULL UNIQUE REFERENCES event (seq),
    hash     BLOB NOT NULL
) STRICT;

-- The hashes over 256 entries each (level 1), over 256 of those (level 2), and so on.
CREATE TABLE event_log_node (
    level    INTEGER NOT NULL,
    position INTEGER NOT NULL,
    hash     BLOB NOT NULL,
    PRIMARY KEY (level, position)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER event_log_entry_is_kept BEFORE DELETE ON event_log_entry
    BEGIN SELECT RAISE (ABORT, 'the log is not deleted'); END;
CREATE TRIGGER event_log_entry_is_fixed BEFORE UPDATE ON event_log_entry
    BEGIN SELECT RAISE (ABORT, 'the log is not changed'); END;
CREATE TRIGGER event_log_node_is_kept BEFORE DELETE ON event_log_node
    BEGIN SELECT RAISE (ABORT, 'the log is not deleted'); END;
CREATE TRIGGER event_log_node_is_fixed BEFORE UPDATE ON event_log_node
    BEGIN SELECT RAISE (ABORT, 'the log is not changed'); END;
