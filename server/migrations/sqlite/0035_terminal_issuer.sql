-- The authority (SHA-256 of its certificate) that issued a terminal's newest certificate: how many terminals still have
-- one of the CA before. None for one of before this version.
ALTER TABLE terminal ADD COLUMN issuer BLOB;
-- When that certificate begins: one of the same key that begins later was issued after the state that was restored.
ALTER TABLE terminal ADD COLUMN certificate_begin INTEGER;
