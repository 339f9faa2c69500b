-- What a person calls a key, on a page of their own: for them and for administrators, and for no terminal.
ALTER TABLE credential ADD COLUMN own_name TEXT;
