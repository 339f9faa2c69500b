-- What a terminal says of its programs: who is about to use something new sees which would not understand it.
ALTER TABLE terminal ADD COLUMN version TEXT;
ALTER TABLE terminal ADD COLUMN capabilities TEXT;
