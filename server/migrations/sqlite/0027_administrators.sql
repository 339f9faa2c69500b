-- Administrators: people of the directory who have a role, one at most, with the scopes that it is for.
CREATE TABLE administrator (
    person     INTEGER PRIMARY KEY REFERENCES person (id),
    role       TEXT NOT NULL,
    -- 1: for every scope; 0: for those of administrator_scope, also when there are none.
    everywhere INTEGER NOT NULL,
    -- Since when it is as it is, and who gave it.
    since      INTEGER NOT NULL,
    given_by   TEXT NOT NULL,
    -- Over from then on; without an end where there is none.
    until      INTEGER
) STRICT;

CREATE TABLE administrator_scope (
    person INTEGER NOT NULL REFERENCES administrator (person),
    scope  TEXT NOT NULL REFERENCES scope (name),
    PRIMARY KEY (person, scope)
) STRICT, WITHOUT ROWID;
CREATE INDEX administrator_scope_scope ON administrator_scope (scope);
