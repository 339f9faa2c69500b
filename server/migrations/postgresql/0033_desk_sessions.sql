-- Who is signed in where, as the records of the terminals say: a row for each session that has begun and
-- not ended. A session is known by its account and the second in which it began.
CREATE TABLE desk_session (
    number        BIGINT PRIMARY KEY,
    terminal      BYTEA NOT NULL REFERENCES terminal (id),
    account       TEXT COLLATE "C" NOT NULL,
    began         BIGINT NOT NULL,
    -- logind's, when a record said it.
    session       TEXT COLLATE "C",
    person        TEXT COLLATE "C" NOT NULL,
    -- The first digits of the key's fingerprint, as recorded.
    key           TEXT COLLATE "C",
    service       TEXT COLLATE "C",
    tty           TEXT COLLATE "C",
    seat          TEXT COLLATE "C",
    -- When this person signed in to it, when a record said it.
    since         BIGINT,
    screen        TEXT COLLATE "C" NOT NULL CHECK (screen IN ('open', 'locked', 'opened')),
    screen_since  BIGINT,
    screen_reason BIGINT,
    -- The newest record that it is after: its time, and which of one second is the later one.
    told          BIGINT NOT NULL,
    rank          BIGINT NOT NULL,
    UNIQUE (terminal, account, began)
);

-- Sessions that have ended: their other records may come later, as terminals send what matters first.
CREATE TABLE desk_session_ended (
    terminal BYTEA NOT NULL REFERENCES terminal (id),
    account  TEXT COLLATE "C" NOT NULL,
    began    BIGINT NOT NULL,
    noted    BIGINT NOT NULL,
    PRIMARY KEY (terminal, account, began)
);

-- When a terminal last lost records, or was revoked: what it said up to then may be over.
CREATE TABLE desk_doubt (
    terminal BYTEA PRIMARY KEY REFERENCES terminal (id),
    time     BIGINT NOT NULL
);
CREATE FUNCTION desk_session_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.number := (SELECT coalesce(max(number), 0) + 1 FROM desk_session);
    RETURN NEW;
END $$;
CREATE TRIGGER desk_session_numbered BEFORE INSERT ON desk_session
    FOR EACH ROW WHEN (NEW.number IS NULL) EXECUTE FUNCTION desk_session_numbered();

-- When a key was switched off: which keys were lost today.
ALTER TABLE credential ADD COLUMN disabled BIGINT;
CREATE INDEX credential_disabled ON credential (disabled) WHERE disabled IS NOT NULL;
