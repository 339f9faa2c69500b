-- The running server reads the scopes that changed, not all: a change costs what it concerns.

INSERT INTO counter (name, value) VALUES ('scope', 0);
-- Value of the counter 'scope' at the latest change.
ALTER TABLE scope ADD COLUMN changed INTEGER NOT NULL DEFAULT 0;
CREATE INDEX scope_changed ON scope (changed);
