-- An administrator found that a key was not copied: the number of the event that was stored last then.
-- Later uses are compared with no use up to it.
ALTER TABLE credential ADD COLUMN suspicion_cleared INTEGER;
