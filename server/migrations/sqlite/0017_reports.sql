-- Reports: what happened in a stretch of time is counted from an index, without the records themselves.

-- The offline stage as the record says it; none in records that were stored before this step.
ALTER TABLE event ADD COLUMN stage TEXT;

-- Events of some kinds in a stretch of time. It covers what is counted: no record is read.
CREATE INDEX event_name ON event (name, time, terminal, outcome, verdict, reason, service, stage);
-- Passes that began in a stretch of time.
CREATE INDEX pass_begins ON pass (begins);
