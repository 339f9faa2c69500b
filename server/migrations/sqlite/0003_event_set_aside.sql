-- What terminals sent as events and this version did not take: a newer agent's, a damaged one, one of
-- another terminal, a second one under an id that is there. Kept as it came, named by its hash.
CREATE TABLE event_set_aside (
    hash     BLOB PRIMARY KEY,
    terminal BLOB NOT NULL REFERENCES terminal (id),
    received INTEGER NOT NULL,
    reason   TEXT NOT NULL,
    document BLOB NOT NULL
) STRICT;

CREATE TRIGGER event_set_aside_is_kept BEFORE DELETE ON event_set_aside
    BEGIN SELECT RAISE (ABORT, 'events are not deleted'); END;
CREATE TRIGGER event_set_aside_is_fixed BEFORE UPDATE ON event_set_aside
    BEGIN SELECT RAISE (ABORT, 'events are not changed'); END;
