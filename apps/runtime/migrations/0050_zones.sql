-- Whose devices workers are, and whether a buyer lets its source go to everyone.

ALTER TABLE runtime.workers ADD COLUMN account text;
UPDATE runtime.workers SET account = org;
ALTER TABLE runtime.workers ALTER COLUMN account SET NOT NULL;

ALTER TABLE runtime.quotes ADD COLUMN market boolean NOT NULL DEFAULT false;
