-- Part of the log's name beside its generation: random, and another one after a restore. Generations alone
-- could repeat when two restores find clocks that are behind.
ALTER TABLE event_log ADD COLUMN mark BLOB;
