-- Where records go besides this database, and how far each of these destinations has come.
CREATE TABLE record_destination (
    -- The place alone: over another way, or in another form, it is the same destination.
    place    TEXT COLLATE "C" PRIMARY KEY,
    -- The way and the place.
    name     TEXT COLLATE "C" NOT NULL,
    -- By this nobody knows beforehand the ids of records of what it lost.
    secret   BYTEA NOT NULL,
    -- 1: it is in the list. One that was taken out goes on where it was when it comes back.
    listed   BIGINT NOT NULL,
    -- The place in the log of the first record that it may lack.
    position BIGINT NOT NULL,
    -- Records that it never gets: it took none of them, or they were pruned before they were sent.
    refused  BIGINT NOT NULL DEFAULT 0,
    pruned   BIGINT NOT NULL DEFAULT 0,
    -- Of those that it did not take, how many are in no record of the loss yet.
    untold   BIGINT NOT NULL DEFAULT 0,
    -- Since when nothing arrives, and why: a code, and what the system said.
    failed   BIGINT,
    code     BIGINT,
    said     TEXT COLLATE "C"
);
