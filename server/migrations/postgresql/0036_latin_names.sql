-- A person's name in Latin letters, for consoles, which have no others.
ALTER TABLE person ADD COLUMN latin_name TEXT COLLATE "C";
