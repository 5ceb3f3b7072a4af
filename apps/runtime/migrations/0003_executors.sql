-- Who executes a run: a lease that lapses. Kept in the run's row, because every
-- event is checked against it under the run's lock. The epoch outlives the lease.

ALTER TABLE runtime.runs
  ADD COLUMN executor_epoch bigint NOT NULL DEFAULT 0 CHECK (executor_epoch >= 0),
  ADD COLUMN executor_id text,
  ADD COLUMN executor_expires_at_ms bigint,
  ADD CHECK ((executor_id IS NULL) = (executor_expires_at_ms IS NULL)),
  ADD CHECK (executor_id IS NULL OR executor_epoch > 0);
