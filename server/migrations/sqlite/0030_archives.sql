-- Archives: files that hold the log's records up to a signed checkpoint.
CREATE TABLE log_archive (
    number  INTEGER PRIMARY KEY,
    -- The place of its first record in the log, and the size of its checkpoint.
    first   INTEGER NOT NULL,
    size    INTEGER NOT NULL,
    root    BLOB NOT NULL,
    origin  TEXT NOT NULL,
    made    INTEGER NOT NULL,
    -- Of the file: its SHA-256, its length, and where it was written.
    sha256  BLOB NOT NULL UNIQUE,
    bytes   INTEGER NOT NULL,
    path    TEXT NOT NULL,
    -- 1: made from this database; 0: met when records were pruned by it.
    own     INTEGER NOT NULL
) STRICT;
CREATE INDEX log_archive_own ON log_archive (size) WHERE own = 1;

-- Acts of pruning: what was taken out of this database because an archive has it.
CREATE TABLE log_prune (
    number  INTEGER PRIMARY KEY,
    archive INTEGER NOT NULL REFERENCES log_archive (number),
    records INTEGER NOT NULL,
    -- 1: the trail says how many records that were.
    told    INTEGER NOT NULL DEFAULT 0,
    -- The act, signed by the key of the log with each part that was pruned: whoever has no key makes
    -- none, and adds to none.
    signed  BLOB NOT NULL
) STRICT;
CREATE INDEX log_prune_archive ON log_prune (archive);
CREATE INDEX log_prune_untold ON log_prune (number) WHERE told = 0;

-- What stays of a pruned record: its place and hash in the log, so that everything can still be
-- proved; its id and the SHA-256 of its document, so that it is known when it comes again, and
-- nothing else under its id.
CREATE TABLE event_log_pruned (
    position INTEGER PRIMARY KEY,
    event    INTEGER NOT NULL UNIQUE,
    id       BLOB NOT NULL UNIQUE,
    hash     BLOB NOT NULL,
    document BLOB NOT NULL,
    -- The number of the act; no reference, which would be looked for from there.
    prune    INTEGER NOT NULL
) STRICT;

CREATE TRIGGER event_log_pruned_is_kept BEFORE DELETE ON event_log_pruned
    BEGIN SELECT RAISE (ABORT, 'the log is not deleted'); END;
CREATE TRIGGER event_log_pruned_is_fixed BEFORE UPDATE ON event_log_pruned
    BEGIN SELECT RAISE (ABORT, 'the log is not changed'); END;
CREATE TRIGGER log_prune_is_kept BEFORE DELETE ON log_prune
    BEGIN SELECT RAISE (ABORT, 'acts of pruning are not deleted'); END;
CREATE TRIGGER log_prune_is_fixed BEFORE UPDATE ON log_prune
    WHEN NEW.number <> OLD.number OR NEW.archive <> OLD.archive OR NEW.records < OLD.records
    BEGIN SELECT RAISE (ABORT, 'acts of pruning only grow'); END;
CREATE TRIGGER log_archive_is_kept BEFORE DELETE ON log_archive
    BEGIN SELECT RAISE (ABORT, 'archives are not deleted'); END;
CREATE TRIGGER log_archive_is_fixed BEFORE UPDATE ON log_archive
    BEGIN SELECT RAISE (ABORT, 'archives are not changed'); END;

-- A record may go when what stays of it is there.
DROP TRIGGER event_is_kept;
CREATE TRIGGER event_is_kept BEFORE DELETE ON event
    WHEN NOT EXISTS (SELECT 1 FROM event_log_pruned
                     WHERE event_log_pruned.event = OLD.seq AND event_log_pruned.id = OLD.id)
    BEGIN SELECT RAISE (ABORT, 'events are not deleted'); END;
DROP TRIGGER event_log_entry_is_kept;
CREATE TRIGGER event_log_entry_is_kept BEFORE DELETE ON event_log_entry
    WHEN NOT EXISTS (SELECT 1 FROM event_log_pruned
                     WHERE event_log_pruned.position = OLD.position
                       AND event_log_pruned.event = OLD.event
                       AND event_log_pruned.hash = OLD.hash)
    BEGIN SELECT RAISE (ABORT, 'the log is not deleted'); END;
