-- The schema of PostgreSQL, as migrations/sqlite made it step by step until the number of this file. What
-- comes after is a step in both folders, under the same number.
--
-- Times are seconds since 1970; hashes, ids and documents are their exact bytes. Numbers are BIGINT, so
-- that every parameter has the same type. Texts are compared byte by byte (COLLATE "C"), whatever the
-- locale of the database: lists are paged by them.

CREATE TABLE setting (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value TEXT COLLATE "C" NOT NULL
);

CREATE TABLE counter (
    name  TEXT COLLATE "C" PRIMARY KEY,
    value BIGINT NOT NULL
);
INSERT INTO counter (name, value) VALUES ('terminal', 0), ('scope', 0);

CREATE TABLE root (
    version     BIGINT PRIMARY KEY,
    by_itself   BYTEA NOT NULL,
    by_previous BYTEA
);

-- Documents stay: a terminal that comes late may still ask for the one that its head names.
CREATE TABLE policy (
    hash     BYTEA PRIMARY KEY,
    scope    TEXT COLLATE "C" NOT NULL,
    document BYTEA NOT NULL
);

CREATE TABLE scope (
    name    TEXT COLLATE "C" PRIMARY KEY,
    epoch   BIGINT NOT NULL,
    seq     BIGINT NOT NULL,
    policy  BYTEA NOT NULL REFERENCES policy (hash),
    halted  TEXT COLLATE "C",
    created BIGINT NOT NULL,
    changed BIGINT NOT NULL DEFAULT 0
);
CREATE INDEX scope_changed ON scope (changed);

-- Also the holders of loaner keys, who are in no scope.
CREATE TABLE person (
    id           BIGINT PRIMARY KEY,
    login        TEXT COLLATE "C" NOT NULL,
    display_name TEXT COLLATE "C" NOT NULL,
    language     TEXT COLLATE "C" NOT NULL CHECK (language IN ('ja', 'en')),
    user_handle  BYTEA NOT NULL UNIQUE,
    not_before   BIGINT,
    not_after    BIGINT,
    status       TEXT COLLATE "C" NOT NULL CHECK (status IN ('active', 'disabled', 'deleted')),
    created      BIGINT NOT NULL,
    changed      BIGINT NOT NULL,
    kind         TEXT COLLATE "C" NOT NULL DEFAULT 'staff' CHECK (kind IN ('staff', 'loaner'))
);
-- A login name is given again only after its person was deleted.
CREATE UNIQUE INDEX person_login ON person (login) WHERE status <> 'deleted';
-- A login name that differs from another one in upper and lower case only is refused.
CREATE INDEX person_login_in_any_case ON person (lower(login));
CREATE INDEX person_loaner ON person (login) WHERE kind = 'loaner';

CREATE TABLE person_group (
    person BIGINT NOT NULL REFERENCES person (id),
    name   TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (person, name)
);
CREATE INDEX person_group_name ON person_group (name, person);

CREATE TABLE person_scope (
    person BIGINT NOT NULL REFERENCES person (id),
    scope  TEXT COLLATE "C" NOT NULL REFERENCES scope (name),
    PRIMARY KEY (person, scope)
);

-- A deleted credential stays as a tombstone: its logins can be verified for ever, and it cannot come
-- back.
CREATE TABLE credential (
    id                 BIGINT PRIMARY KEY,
    person             BIGINT NOT NULL REFERENCES person (id),
    credential_id      BYTEA NOT NULL UNIQUE,
    fingerprint        BYTEA NOT NULL UNIQUE,
    public_key         BYTEA NOT NULL,
    rp_id              TEXT COLLATE "C" NOT NULL,
    aaguid             BYTEA NOT NULL,
    flags              BIGINT NOT NULL,
    cred_protect       BIGINT NOT NULL,
    status             TEXT COLLATE "C" NOT NULL CHECK (status IN ('active', 'disabled', 'deleted')),
    label              TEXT COLLATE "C" NOT NULL,
    enrolled           BIGINT NOT NULL,
    counter            BIGINT NOT NULL,
    attestation_format TEXT COLLATE "C",
    attestation        BYTEA,
    last_used          BIGINT,
    last_terminal      BYTEA,
    clone_suspected    BIGINT,
    suspicion_cleared  BIGINT
);
CREATE INDEX credential_person ON credential (person);
CREATE INDEX credential_suspected ON credential (clone_suspected) WHERE clone_suspected IS NOT NULL;

-- The published state: per scope one row per login name, with the sequence of its latest change.
CREATE TABLE state (
    scope  TEXT COLLATE "C" NOT NULL REFERENCES scope (name),
    login  TEXT COLLATE "C" NOT NULL,
    seq    BIGINT NOT NULL,
    record BYTEA,
    PRIMARY KEY (scope, login)
);
CREATE UNIQUE INDEX state_seq ON state (scope, seq);
CREATE INDEX state_login ON state (login);

CREATE TABLE terminal (
    id              BYTEA PRIMARY KEY,
    number          BIGINT NOT NULL,
    name            TEXT COLLATE "C" NOT NULL,
    machine         BYTEA NOT NULL UNIQUE,
    status          TEXT COLLATE "C" NOT NULL CHECK (status IN ('pending', 'active', 'revoked')),
    serial          BYTEA NOT NULL,
    previous_serial BYTEA,
    certificate_end BIGINT NOT NULL,
    joined          BIGINT NOT NULL,
    revoked         BIGINT,
    seen            BIGINT,
    address         TEXT COLLATE "C",
    -- Value of the counter 'terminal' at the latest change: the running server reads what is new.
    changed         BIGINT NOT NULL,
    key             BYTEA,
    version         TEXT COLLATE "C",
    capabilities    TEXT COLLATE "C",
    deleted         BIGINT,
    root_version    BIGINT
);
CREATE INDEX terminal_changed ON terminal (changed);
CREATE INDEX terminal_name ON terminal (name, id);

CREATE TABLE terminal_scope (
    terminal BYTEA NOT NULL REFERENCES terminal (id),
    scope    TEXT COLLATE "C" NOT NULL REFERENCES scope (name),
    PRIMARY KEY (terminal, scope)
);

CREATE TABLE join_token (
    id       BYTEA PRIMARY KEY,
    secret   BYTEA NOT NULL,
    uses     BIGINT NOT NULL,
    created  BIGINT NOT NULL,
    expires  BIGINT NOT NULL,
    revoked  BIGINT,
    replaces BYTEA REFERENCES terminal (id)
);
CREATE INDEX join_token_replaces ON join_token (replaces) WHERE replaces IS NOT NULL;

CREATE TABLE join_token_scope (
    token BYTEA NOT NULL REFERENCES join_token (id),
    scope TEXT COLLATE "C" NOT NULL REFERENCES scope (name),
    PRIMARY KEY (token, scope)
);

-- What a use of a token gave: the same key is given the same again, nobody else anything.
CREATE TABLE join_use (
    token       BYTEA NOT NULL REFERENCES join_token (id),
    machine     BYTEA NOT NULL,
    nonce       BYTEA NOT NULL,
    time        BIGINT NOT NULL,
    key         BYTEA,
    certificate BYTEA,
    PRIMARY KEY (token, nonce)
);

CREATE TABLE enrollment_code (
    id      BIGINT PRIMARY KEY,
    hash    BYTEA NOT NULL UNIQUE,
    person  BIGINT NOT NULL REFERENCES person (id),
    created BIGINT NOT NULL,
    expires BIGINT NOT NULL,
    used    BIGINT
);
CREATE INDEX enrollment_code_person ON enrollment_code (person);

CREATE TABLE event (
    seq        BIGINT PRIMARY KEY,
    id         BYTEA NOT NULL UNIQUE,
    received   BIGINT NOT NULL,
    time       BIGINT NOT NULL,
    terminal   BYTEA NOT NULL REFERENCES terminal (id),
    name       TEXT COLLATE "C" NOT NULL,
    outcome    TEXT COLLATE "C" NOT NULL,
    reason     BIGINT,
    person     TEXT COLLATE "C",
    account    TEXT COLLATE "C",
    service    TEXT COLLATE "C",
    credential BIGINT REFERENCES credential (id),
    counter    BIGINT,
    -- 'none': nothing to verify; 'valid'; 'invalid': what it claims did not verify, not a login.
    verdict    TEXT COLLATE "C" NOT NULL CHECK (verdict IN ('none', 'valid', 'invalid')),
    finding    TEXT COLLATE "C",
    document   BYTEA NOT NULL,
    stage      TEXT COLLATE "C"
);
CREATE INDEX event_time ON event (time);
-- What one person, account or terminal did, and what did not verify, newest first.
CREATE INDEX event_person ON event (person, time);
-- Uses of a key whose evidence holds, by time and by counter: a copy shows between neighbours.
CREATE INDEX event_use_time ON event (credential, time, counter) WHERE counter IS NOT NULL;
CREATE INDEX event_use_counter ON event (credential, counter, time) WHERE counter IS NOT NULL;
CREATE INDEX event_account ON event (account, time) WHERE account IS NOT NULL;
CREATE INDEX event_terminal ON event (terminal, time);
CREATE INDEX event_invalid ON event (time) WHERE verdict = 'invalid';
-- Events of some kinds in a stretch of time. It covers what is counted.
CREATE INDEX event_name ON event (name, time, terminal, outcome, verdict, reason, service, stage);

-- Each row's chain is the SHA-256 of the chain before it and of its own content.
CREATE TABLE audit (
    seq    BIGINT PRIMARY KEY,
    time   BIGINT NOT NULL,
    actor  TEXT COLLATE "C" NOT NULL,
    action TEXT COLLATE "C" NOT NULL,
    object TEXT COLLATE "C" NOT NULL,
    reason TEXT COLLATE "C",
    detail TEXT COLLATE "C",
    chain  BYTEA NOT NULL
);
CREATE INDEX audit_object ON audit (object, seq);
CREATE INDEX audit_action ON audit (action, time);

-- One row. Terminals never go back behind a signed time, so a wrong one must not be signed.
CREATE TABLE signing_clock (
    "only"           BIGINT PRIMARY KEY CHECK ("only" = 1),
    -- The latest time by which something was signed.
    signed           BIGINT NOT NULL,
    -- Counts what an administrator confirmed: the running server takes it from here.
    confirmation     BIGINT NOT NULL,
    -- What the clock said when it had jumped forward, and what it should have said.
    refused_wall     BIGINT,
    refused_expected BIGINT
);

-- Events that a terminal has stored in a day (UTC), for its quota.
CREATE TABLE intake (
    terminal BYTEA NOT NULL REFERENCES terminal (id),
    day      BIGINT NOT NULL,
    events   BIGINT NOT NULL,
    bytes    BIGINT NOT NULL,
    -- Whether it was recorded that the quota was reached.
    noted    BIGINT NOT NULL,
    PRIMARY KEY (terminal, day)
);
-- Terminals that have stored the records of a day.
CREATE INDEX intake_noted ON intake (day) WHERE noted = 1;

-- What terminals sent as events and this version did not take. Kept as it came, named by its hash.
CREATE TABLE event_set_aside (
    hash     BYTEA PRIMARY KEY,
    terminal BYTEA NOT NULL REFERENCES terminal (id),
    received BIGINT NOT NULL,
    reason   TEXT COLLATE "C" NOT NULL,
    document BYTEA NOT NULL
);

-- Of a pass there is only what terminals verify signatures with.
CREATE TABLE pass (
    number   BIGINT PRIMARY KEY,
    id       BYTEA NOT NULL UNIQUE,
    person   BIGINT NOT NULL REFERENCES person (id),
    salt     BYTEA NOT NULL,
    key      BYTEA NOT NULL,
    begins   BIGINT NOT NULL,
    until    BIGINT NOT NULL,
    -- Where: one of these.
    scope    TEXT COLLATE "C" REFERENCES scope (name),
    terminal BYTEA REFERENCES terminal (id),
    issuer   TEXT COLLATE "C" NOT NULL,
    reason   TEXT COLLATE "C" NOT NULL,
    -- When it was last used, and when and by what it ended before its time.
    used     BIGINT,
    ended    BIGINT,
    ended_by TEXT COLLATE "C" CHECK (ended_by IN ('key', 'administrator', 'another-pass', 'time')),
    CHECK ((scope IS NULL) <> (terminal IS NULL))
);
-- A person has one at a time; its record has room for one.
CREATE UNIQUE INDEX pass_open ON pass (person) WHERE ended IS NULL;
CREATE INDEX pass_person ON pass (person, number);
CREATE INDEX pass_begins ON pass (begins);

-- Where each scope stood in the backup that this store was last restored from.
CREATE TABLE restored_scope (
    scope TEXT COLLATE "C" PRIMARY KEY REFERENCES scope (name),
    epoch BIGINT NOT NULL,
    seq   BIGINT NOT NULL
);

-- The log of events (docs/FORMATS.md, "The log of records"): a Merkle tree over them.
CREATE TABLE event_log (
    id         BIGINT PRIMARY KEY CHECK (id = 1),
    -- Part of the log's name. Another one after a restore: a log that may have lost its end is another
    -- log.
    generation BIGINT NOT NULL,
    -- What was signed last.
    size       BIGINT,
    root       BYTEA,
    signed     BIGINT,
    mark       BYTEA
);
INSERT INTO event_log (id, generation) VALUES (1, 1);

-- The entries, from 0 without gaps, in the order of the numbers of their events.
CREATE TABLE event_log_entry (
    position BIGINT PRIMARY KEY,
    event    BIGINT NOT NULL UNIQUE REFERENCES event (seq),
    hash     BYTEA NOT NULL
);

-- The hashes over 256 entries each (level 1), over 256 of those (level 2), and so on.
CREATE TABLE event_log_node (
    level    BIGINT NOT NULL,
    position BIGINT NOT NULL,
    hash     BYTEA NOT NULL,
    PRIMARY KEY (level, position)
);

-- Words by which terminals are told apart: a building, a rollout.
CREATE TABLE terminal_tag (
    terminal BYTEA NOT NULL REFERENCES terminal (id),
    name     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (terminal, name)
);

-- Where each terminal says that it is in each of its scopes.
CREATE TABLE terminal_position (
    terminal BYTEA NOT NULL REFERENCES terminal (id),
    scope    TEXT COLLATE "C" NOT NULL REFERENCES scope (name),
    epoch    BIGINT NOT NULL,
    seq      BIGINT NOT NULL,
    PRIMARY KEY (terminal, scope)
);

-- Terminals that witness the log of records: the key of each, and what it cosigned last.
CREATE TABLE log_witness (
    terminal  BYTEA PRIMARY KEY REFERENCES terminal (id),
    -- Of the first cosignature since it joined.
    key       BYTEA NOT NULL,
    origin    TEXT COLLATE "C" NOT NULL,
    size      BIGINT NOT NULL,
    root      BYTEA NOT NULL,
    signature TEXT COLLATE "C" NOT NULL,
    received  BIGINT NOT NULL
);
CREATE INDEX log_witness_received ON log_witness (received);
CREATE INDEX log_witness_size ON log_witness (origin, size, received);

-- Loans: while one has not ended, the borrower's record has the key.
CREATE TABLE loan (
    number     BIGINT PRIMARY KEY,
    id         BYTEA NOT NULL UNIQUE,
    credential BIGINT NOT NULL REFERENCES credential (id),
    person     BIGINT NOT NULL REFERENCES person (id),
    begins     BIGINT NOT NULL,
    until      BIGINT NOT NULL,
    lender     TEXT COLLATE "C" NOT NULL,
    reason     TEXT COLLATE "C" NOT NULL,
    -- When it was last used, and when and by what it ended.
    used       BIGINT,
    ended      BIGINT,
    ended_by   TEXT COLLATE "C" CHECK (ended_by IN ('return', 'key', 'administrator', 'time'))
);
-- A key has one borrower at a time, and a person one key on loan.
CREATE UNIQUE INDEX loan_key ON loan (credential) WHERE ended IS NULL;
CREATE UNIQUE INDEX loan_borrower ON loan (person) WHERE ended IS NULL;
CREATE INDEX loan_credential ON loan (credential, number);
CREATE INDEX loan_person ON loan (person);

-- Who may ask over the interface for administration.
CREATE TABLE api_key (
    -- Its name in the trail; stands in the token before the secret.
    id         BYTEA PRIMARY KEY,
    -- SHA-256 of id and secret. The secret is random and as long as the hash.
    hash       BYTEA NOT NULL,
    name       TEXT COLLATE "C" NOT NULL,
    role       TEXT COLLATE "C" NOT NULL,
    -- 1: for every scope; 0: for those of api_key_scope, also when there are none.
    everywhere BIGINT NOT NULL,
    created    BIGINT NOT NULL,
    expires    BIGINT NOT NULL,
    disabled   BIGINT,
    -- Within an hour.
    used       BIGINT
);
CREATE INDEX api_key_created ON api_key (created, id);

CREATE TABLE api_key_scope (
    api_key BYTEA NOT NULL REFERENCES api_key (id),
    scope   TEXT COLLATE "C" NOT NULL REFERENCES scope (name),
    PRIMARY KEY (api_key, scope)
);
CREATE INDEX api_key_scope_scope ON api_key_scope (scope);

-- Answers to requests with an Idempotency-Key, given again for a day.
CREATE TABLE api_answer (
    api_key BYTEA NOT NULL REFERENCES api_key (id),
    name    TEXT COLLATE "C" NOT NULL,
    -- SHA-256 of method, path and body.
    request BYTEA NOT NULL,
    -- Sealed under the secret of the API key, which is not stored: an answer may hold a code.
    answer  BYTEA NOT NULL,
    time    BIGINT NOT NULL,
    PRIMARY KEY (api_key, name)
);
CREATE INDEX api_answer_time ON api_answer (time);

-- Rows are numbered without gaps, each one above the highest: the trail and the log say so. A sequence
-- would lose the numbers of what is rolled back. Whoever writes holds the lock of all writers, so that
-- nobody takes the same number.
CREATE FUNCTION person_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.id := (SELECT coalesce(max(id), 0) + 1 FROM person);
    RETURN NEW;
END $$;
CREATE TRIGGER person_numbered BEFORE INSERT ON person
    FOR EACH ROW WHEN (NEW.id IS NULL) EXECUTE FUNCTION person_numbered();
CREATE FUNCTION credential_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.id := (SELECT coalesce(max(id), 0) + 1 FROM credential);
    RETURN NEW;
END $$;
CREATE TRIGGER credential_numbered BEFORE INSERT ON credential
    FOR EACH ROW WHEN (NEW.id IS NULL) EXECUTE FUNCTION credential_numbered();
CREATE FUNCTION enrollment_code_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.id := (SELECT coalesce(max(id), 0) + 1 FROM enrollment_code);
    RETURN NEW;
END $$;
CREATE TRIGGER enrollment_code_numbered BEFORE INSERT ON enrollment_code
    FOR EACH ROW WHEN (NEW.id IS NULL) EXECUTE FUNCTION enrollment_code_numbered();
CREATE FUNCTION event_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.seq := (SELECT coalesce(max(seq), 0) + 1 FROM event);
    RETURN NEW;
END $$;
CREATE TRIGGER event_numbered BEFORE INSERT ON event
    FOR EACH ROW WHEN (NEW.seq IS NULL) EXECUTE FUNCTION event_numbered();
CREATE FUNCTION audit_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.seq := (SELECT coalesce(max(seq), 0) + 1 FROM audit);
    RETURN NEW;
END $$;
CREATE TRIGGER audit_numbered BEFORE INSERT ON audit
    FOR EACH ROW WHEN (NEW.seq IS NULL) EXECUTE FUNCTION audit_numbered();
CREATE FUNCTION pass_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.number := (SELECT coalesce(max(number), 0) + 1 FROM pass);
    RETURN NEW;
END $$;
CREATE TRIGGER pass_numbered BEFORE INSERT ON pass
    FOR EACH ROW WHEN (NEW.number IS NULL) EXECUTE FUNCTION pass_numbered();
CREATE FUNCTION loan_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.number := (SELECT coalesce(max(number), 0) + 1 FROM loan);
    RETURN NEW;
END $$;
CREATE TRIGGER loan_numbered BEFORE INSERT ON loan
    FOR EACH ROW WHEN (NEW.number IS NULL) EXECUTE FUNCTION loan_numbered();

-- What happened stays as it is.
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '%', TG_ARGV[0];
END $$;
CREATE TRIGGER event_is_kept BEFORE DELETE ON event
    FOR EACH ROW EXECUTE FUNCTION refuse_change('events are not deleted');
CREATE TRIGGER event_is_not_emptied BEFORE TRUNCATE ON event
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('events are not deleted');
CREATE TRIGGER event_is_fixed BEFORE UPDATE ON event
    FOR EACH ROW EXECUTE FUNCTION refuse_change('events are not changed');
CREATE TRIGGER audit_is_kept BEFORE DELETE ON audit
    FOR EACH ROW EXECUTE FUNCTION refuse_change('the audit trail is not deleted');
CREATE TRIGGER audit_is_not_emptied BEFORE TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the audit trail is not deleted');
CREATE TRIGGER audit_is_fixed BEFORE UPDATE ON audit
    FOR EACH ROW EXECUTE FUNCTION refuse_change('the audit trail is not changed');
CREATE TRIGGER event_set_aside_is_kept BEFORE DELETE ON event_set_aside
    FOR EACH ROW EXECUTE FUNCTION refuse_change('events are not deleted');
CREATE TRIGGER event_set_aside_is_not_emptied BEFORE TRUNCATE ON event_set_aside
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('events are not deleted');
CREATE TRIGGER event_set_aside_is_fixed BEFORE UPDATE ON event_set_aside
    FOR EACH ROW EXECUTE FUNCTION refuse_change('events are not changed');
CREATE TRIGGER event_log_entry_is_kept BEFORE DELETE ON event_log_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change('the log is not deleted');
CREATE TRIGGER event_log_entry_is_not_emptied BEFORE TRUNCATE ON event_log_entry
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the log is not deleted');
CREATE TRIGGER event_log_entry_is_fixed BEFORE UPDATE ON event_log_entry
    FOR EACH ROW EXECUTE FUNCTION refuse_change('the log is not changed');
CREATE TRIGGER event_log_node_is_kept BEFORE DELETE ON event_log_node
    FOR EACH ROW EXECUTE FUNCTION refuse_change('the log is not deleted');
CREATE TRIGGER event_log_node_is_not_emptied BEFORE TRUNCATE ON event_log_node
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change('the log is not deleted');
CREATE TRIGGER event_log_node_is_fixed BEFORE UPDATE ON event_log_node
    FOR EACH ROW EXECUTE FUNCTION refuse_change('the log is not changed');
