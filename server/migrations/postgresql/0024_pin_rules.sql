-- How many characters a PIN of the key has at least, as the key signed it at enrollment; NULL when it
-- did not say.
ALTER TABLE credential ADD COLUMN min_pin_length BIGINT;
