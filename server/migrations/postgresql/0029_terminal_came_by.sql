-- The address by which a terminal came last: which of the server's addresses somebody still needs.
ALTER TABLE terminal ADD COLUMN came_by TEXT COLLATE "C";
