-- Administrators: people of the directory who have a role, one at most, with the scopes that it is for.
CREATE TABLE administrator (
    person     BIGINT PRIMARY KEY REFERENCES person (id),
    role       TEXT COLLATE "C" NOT NULL,
    -- 1: for every scope; 0: for those of administrator_scope, also when there are none.
    everywhere BIGINT NOT NULL,
    -- Since when it is as it is, and who gave it.
    since      BIGINT NOT NULL,
    given_by   TEXT COLLATE "C" NOT NULL,
    -- Over from then on; without an end where there is none.
    until      BIGINT
);

CREATE TABLE administrator_scope (
    person BIGINT NOT NULL REFERENCES administrator (person),
    scope  TEXT COLLATE "C" NOT NULL REFERENCES scope (name),
    PRIMARY KEY (person, scope)
);
CREATE INDEX administrator_scope_scope ON administrator_scope (scope);
