-- Who is signed in to the pages of administration. A signature begins a session; the next one begins another.
CREATE TABLE web_session (
    -- SHA-256 of what the browser keeps.
    hash       BYTEA PRIMARY KEY,
    person     BIGINT NOT NULL REFERENCES person (id),
    credential BIGINT NOT NULL REFERENCES credential (id),
    -- When the key signed.
    began      BIGINT NOT NULL,
    -- When it was last used, within a minute.
    seen       BIGINT NOT NULL
);
CREATE INDEX web_session_seen ON web_session (seen);
CREATE INDEX web_session_person ON web_session (person);
CREATE INDEX web_session_credential ON web_session (credential);

-- Challenges that were signed, until they are over: none is taken twice.
CREATE TABLE web_challenge (
    challenge BYTEA PRIMARY KEY,
    until     BIGINT NOT NULL
);
CREATE INDEX web_challenge_until ON web_challenge (until);
