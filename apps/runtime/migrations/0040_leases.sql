-- Every lease that was given, what became of it, and where a job went when its
-- provider could not do it.

ALTER TABLE runtime.jobs
  -- Who may do the work when its provider could not, as the buyer said.
  ADD COLUMN fallback text NOT NULL DEFAULT 'none' CHECK (fallback IN ('none', 'reserve', 'market')),
  -- Since when it waits for the provider that it is offered to.
  ADD COLUMN offered_at_ms bigint;
UPDATE runtime.jobs SET offered_at_ms = created_at_ms;
ALTER TABLE runtime.jobs ALTER COLUMN offered_at_ms SET NOT NULL;
CREATE INDEX jobs_leased ON runtime.jobs (lease_expires_at_ms) WHERE status = 'leased';
CREATE INDEX jobs_waiting ON runtime.jobs (offered_at_ms, job_id) WHERE status = 'queued' AND purpose = 'work';

CREATE TABLE runtime.leases (
  lease_id text PRIMARY KEY,
  job_id text NOT NULL REFERENCES runtime.jobs,
  worker_id text NOT NULL REFERENCES runtime.workers,
  claimed_at_ms bigint NOT NULL,
  -- Set once, by whoever finds it lapsed first: the strike is in the same transaction.
  lapsed_at_ms bigint
);
CREATE INDEX leases_by_worker ON runtime.leases (worker_id, claimed_at_ms);

-- A job goes from a provider at most once, so it never comes back to it.
CREATE TABLE runtime.job_moves (
  job_id text NOT NULL REFERENCES runtime.jobs,
  from_worker_id text NOT NULL REFERENCES runtime.workers,
  to_worker_id text NOT NULL REFERENCES runtime.workers,
  because text NOT NULL,
  receipt_id text NOT NULL,
  moved_at_ms bigint NOT NULL,
  PRIMARY KEY (job_id, from_worker_id)
);
CREATE INDEX job_moves_by_worker ON runtime.job_moves (from_worker_id, job_id);

-- When the runtime last looked at its leases: what lapsed while it was away is nobody's fault.
CREATE TABLE runtime.lease_watch (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  seen_at_ms bigint NOT NULL
);
INSERT INTO runtime.lease_watch (seen_at_ms) VALUES (0);

GRANT SELECT, INSERT, UPDATE ON runtime.leases TO :app_role;
GRANT SELECT, INSERT ON runtime.job_moves TO :app_role;
GRANT SELECT, UPDATE (seen_at_ms) ON runtime.lease_watch TO :app_role;
