-- Break-glass: sealed codes, each for one account in one scope. Of the code there is only what
-- terminals verify signatures with.
CREATE TABLE break_glass (
    number   BIGINT PRIMARY KEY,
    id       BYTEA NOT NULL UNIQUE,
    person   BIGINT NOT NULL REFERENCES person (id),
    salt     BYTEA NOT NULL,
    key      BYTEA NOT NULL,
    begins   BIGINT NOT NULL,
    until    BIGINT NOT NULL,
    scope    TEXT COLLATE "C" NOT NULL REFERENCES scope (name),
    issuer   TEXT COLLATE "C" NOT NULL,
    reason   TEXT COLLATE "C" NOT NULL,
    -- When it was used first and at which terminal, how often (terminals that are offline know
    -- nothing of each other), and when an administrator said that this was looked into.
    used     BIGINT,
    used_at  BYTEA REFERENCES terminal (id),
    uses     BIGINT NOT NULL DEFAULT 0,
    cleared  BIGINT,
    -- When and by what it became void before its time.
    ended    BIGINT,
    ended_by TEXT COLLATE "C" CHECK (ended_by IN ('use', 'administrator', 'another', 'time', 'restore'))
);
-- An account has one at a time; its record has room for one.
CREATE UNIQUE INDEX break_glass_open ON break_glass (person) WHERE ended IS NULL;
CREATE INDEX break_glass_person ON break_glass (person, number);
CREATE INDEX break_glass_alarm ON break_glass (used) WHERE used IS NOT NULL AND cleared IS NULL;
-- Each login that a code signed, by the id that what was signed gives it: sent
-- again it is no other one.
CREATE TABLE break_glass_use (
    sealed   BIGINT NOT NULL REFERENCES break_glass (number),
    event    BYTEA NOT NULL,
    terminal BYTEA NOT NULL REFERENCES terminal (id),
    time     BIGINT NOT NULL,
    PRIMARY KEY (sealed, event)
);

-- Numbered as passes are.
CREATE FUNCTION break_glass_numbered() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    NEW.number := (SELECT coalesce(max(number), 0) + 1 FROM break_glass);
    RETURN NEW;
END $$;
CREATE TRIGGER break_glass_numbered BEFORE INSERT ON break_glass
    FOR EACH ROW WHEN (NEW.number IS NULL) EXECUTE FUNCTION break_glass_numbered();
