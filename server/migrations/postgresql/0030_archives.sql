-- Archives: files that hold the log's records up to a signed checkpoint.
CREATE TABLE log_archive (
    number  BIGINT PRIMARY KEY,
    -- The place of its first record in the log, and the size of its checkpoint.
    first   BIGINT NOT NULL,
    size    BIGINT NOT NULL,
    root    BYTEA NOT NULL,
    origin  TEXT COLLATE "C" NOT NULL,
    made    BIGINT NOT NULL,
    -- Of the file: its SHA-256, its length, and where it was written.
    sha256  BYTEA NOT NULL UNIQUE,
    bytes   BIGINT NOT NULL,
    path    TEXT COLLATE "C" NOT NULL,
    -- 1: made from this database; 0: met when records were pruned by it.
    own     BIGINT NOT NULL
);
CREATE INDEX log_archive_own ON log_archive (size) WHERE own = 1;

-- Acts of pruning: what was taken out of this database because an archive has it.
CREATE TABLE log_prune (
    number  BIGINT PRIMARY KEY,
    archive BIGINT NOT NULL REFERENCES log_archive (number),
    records BIGINT NOT NULL,
    -- 1: the trail says how many records that were.
    told    BIGINT NOT NULL DEFAULT 0,
    -- The act, signed by the key of the log with each part that was pruned: whoever has no key makes
    -- none, and adds to none.
    signed  BYTEA NOT NULL
);
CREATE INDEX log_prune_archive ON log_prune (archive);
CREATE INDEX log_prune_untold ON log_prune (number) WHERE told = 0;

-- What stays of a pruned record: its place and hash in the log, so that everything can still be
-- proved; its id and the SHA-256 of its document, so that it is known when it comes again, and
-- nothing else under its id.
CREATE TABLE event_log_pruned (
    position BIGINT PRIMARY KEY,
    event    BIGINT NOT NULL UNIQUE,
    id       BYTEA NOT NULL UNIQUE,
    hash     BYTEA NOT NULL,
    document BYTEA NOT NULL,
    -- The number of the act; no reference, which would be looked for from there.
    prune    BIGINT NOT NULL
);

-- Numbered as passes are.
CREATE FUNCTION log_archive_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.number := (SELECT coalesce(max(number), 0) + 1 FROM log_archive);
    RETURN NEW;
END $$;
CREATE TRIGGER log_archive_numbered BEFORE INSERT ON log_archive
    FOR EACH ROW WHEN (NEW.number IS NULL) EXECUTE FUNCTION log_archive_numbered();
CREATE FUNCTION log_prune_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.number := (SELECT coalesce(max(number), 0) + 1 FROM log_prune);
    RETURN NEW;
END $$;
CREATE TRIGGER log_prune_numbered BEFORE INSERT ON log_prune
    FOR EACH ROW WHEN (NEW.number IS NULL) EXECUTE FUNCTION log_prune_numbered();

CREATE TRIGGER event_log_pruned_is_kept BEFORE DELETE ON event_log_pruned
    FOR EACH ROW EXECUTE FUNCTION refuse_change('the log is not deleted');
CREATE TRIGGER event_log_pruned_is_not_emptied BEFORE TRUNCATE ON event_log_pruned
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the log is not deleted');
CREATE TRIGGER event_log_pruned_is_fixed BEFORE UPDATE ON event_log_pruned
    FOR EACH ROW EXECUTE FUNCTION refuse_change('the log is not changed');
CREATE TRIGGER log_prune_is_kept BEFORE DELETE ON log_prune
    FOR EACH ROW EXECUTE FUNCTION refuse_change('acts of pruning are not deleted');
CREATE TRIGGER log_prune_is_not_emptied BEFORE TRUNCATE ON log_prune
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('acts of pruning are not deleted');
CREATE TRIGGER log_prune_is_fixed BEFORE UPDATE ON log_prune
    FOR EACH ROW
    WHEN (NEW.number <> OLD.number OR NEW.archive <> OLD.archive OR NEW.records < OLD.records)
    EXECUTE FUNCTION refuse_change('acts of pruning only grow');
CREATE TRIGGER log_archive_is_kept BEFORE DELETE ON log_archive
    FOR EACH ROW EXECUTE FUNCTION refuse_change('archives are not deleted');
CREATE TRIGGER log_archive_is_not_emptied BEFORE TRUNCATE ON log_archive
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('archives are not deleted');
CREATE TRIGGER log_archive_is_fixed BEFORE UPDATE ON log_archive
    FOR EACH ROW EXECUTE FUNCTION refuse_change('archives are not changed');

-- A record may go when what stays of it is there.
CREATE FUNCTION event_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM event_log_pruned AS pruned
                   WHERE pruned.event = OLD.seq AND pruned.id = OLD.id) THEN
        RAISE EXCEPTION 'events are not deleted';
    END IF;
    RETURN OLD;
END $$;
DROP TRIGGER event_is_kept ON event;
CREATE TRIGGER event_is_kept BEFORE DELETE ON event
    FOR EACH ROW EXECUTE FUNCTION event_goes();
CREATE FUNCTION event_log_entry_goes() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT EXISTS (SELECT 1 FROM event_log_pruned AS pruned
                   WHERE pruned.position = OLD.position AND pruned.event = OLD.event
                       AND pruned.hash = OLD.hash) THEN
        RAISE EXCEPTION 'the log is not deleted';
    END IF;
    RETURN OLD;
END $$;
DROP TRIGGER event_log_entry_is_kept ON event_log_entry;
CREATE TRIGGER event_log_entry_is_kept BEFORE DELETE ON event_log_entry
    FOR EACH ROW EXECUTE FUNCTION event_log_entry_goes();
