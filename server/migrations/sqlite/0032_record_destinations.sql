-- Where records go besides this database, and how far each of these destinations has come.
CREATE TABLE record_destination (
    -- The place alone: over another way, or in another form, it is the same destination.
    place    TEXT PRIMARY KEY,
    -- The way and the place.
    name     TEXT NOT NULL,
    -- By this nobody knows beforehand the ids of records of what it lost.
    secret   BLOB NOT NULL,
    -- 1: it is in the list. One that was taken out goes on where it was when it comes back.
    listed   INTEGER NOT NULL,
    -- The place in the log of the first record that it may lack.
    position INTEGER NOT NULL,
    -- Records that it never gets: it took none of them, or they were pruned before they were sent.
    refused  INTEGER NOT NULL DEFAULT 0,
    pruned   INTEGER NOT NULL DEFAULT 0,
    -- Of those that it did not take, how many are in no record of the loss yet.
    untold   INTEGER NOT NULL DEFAULT 0,
    -- Since when nothing arrives, and why: a code, and what the system said.
    failed   INTEGER,
    code     INTEGER,
    said     TEXT
) STRICT;
