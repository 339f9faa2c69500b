-- When a key on loan came back: a loan can end while the key is still with its borrower.
ALTER TABLE loan ADD COLUMN returned BIGINT CHECK (returned IS NULL OR ended IS NOT NULL);
-- Until now a key could be lent again as soon as its loan had ended, so of what was lent again it is
-- known that it was back. Whether another one is, its desk knows.
UPDATE loan SET returned = ended
WHERE ended IS NOT NULL
  AND (ended_by = 'return' OR EXISTS (
    SELECT 1 FROM loan AS later
    WHERE later.credential = loan.credential AND later.number > loan.number));
-- A key is lent to nobody before it is back.
DROP INDEX loan_key;
CREATE UNIQUE INDEX loan_key ON loan (credential) WHERE returned IS NULL;
