-- An administrator found that a key was not copied: uses up to then are compared with no later one.
ALTER TABLE credential ADD COLUMN suspicion_cleared INTEGER;
