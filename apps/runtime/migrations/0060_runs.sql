-- Lost executors, forks, exports to a forge, and what is derived from events.

ALTER TABLE runtime.runs
  -- Set when the loss was recorded, and cleared when the holder comes back.
  ADD COLUMN executor_lost boolean NOT NULL DEFAULT false,
  ADD COLUMN forked_from text REFERENCES runtime.runs,
  ADD COLUMN fork_seq bigint CHECK (fork_seq >= 1),
  ADD COLUMN fork_depth integer NOT NULL DEFAULT 0 CHECK (fork_depth >= 0),
  -- Its events are ahead of its projection. A flag and not a number, so that most appends change no index.
  ADD COLUMN projection_due boolean NOT NULL DEFAULT true,
  ADD CHECK ((forked_from IS NULL) = (fork_seq IS NULL)),
  ADD CHECK ((forked_from IS NULL) = (fork_depth = 0)),
  ADD CHECK (NOT executor_lost OR executor_id IS NOT NULL);

CREATE INDEX runs_lapsing ON runtime.runs (executor_expires_at_ms, run_id)
  WHERE executor_id IS NOT NULL AND NOT executor_lost AND status IN ('created', 'running', 'canceling');
CREATE INDEX runs_unprojected ON runtime.runs (run_id) WHERE projection_due;

-- What a canceled run gives back.
CREATE INDEX reservations_held_by_run ON runtime.reservations (run_id, reservation_id) WHERE status = 'reserved';

CREATE TABLE runtime.exports (
  export_id text PRIMARY KEY,
  org text NOT NULL,
  run_id text NOT NULL REFERENCES runtime.runs,
  kind text NOT NULL CHECK (kind IN ('pull_request', 'status_comment')),
  target text NOT NULL,
  content text NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'succeeded', 'failed', 'unknown')),
  attempts integer NOT NULL CHECK (attempts >= 0),
  url text,
  detail text,
  receipt_id text NOT NULL,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  UNIQUE (run_id, kind, target)
);

CREATE TABLE runtime.run_projections (
  run_id text PRIMARY KEY REFERENCES runtime.runs,
  org text NOT NULL,
  last_seq bigint NOT NULL CHECK (last_seq >= 0),
  -- Head of the run's hash chain after the last event that is in it.
  chain_hash text NOT NULL,
  summary text NOT NULL,
  projection_hash text NOT NULL,
  updated_at_ms bigint NOT NULL
);
CREATE INDEX run_projections_by_org ON runtime.run_projections (org, run_id);

GRANT SELECT, INSERT, UPDATE ON runtime.exports, runtime.run_projections TO :app_role;
