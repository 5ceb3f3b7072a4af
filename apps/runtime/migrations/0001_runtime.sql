-- The runtime's own state: runs, workers, the market, jobs and settlements.
-- Times are milliseconds since 1970, money is msats. JSON is kept as text, in
-- canonical form, because its bytes are hashed.

CREATE SCHEMA runtime;

CREATE TABLE runtime.runs (
  run_id text PRIMARY KEY,
  org text NOT NULL,
  created_by text NOT NULL,
  status text NOT NULL CHECK (status IN ('created', 'running', 'canceling', 'canceled', 'succeeded', 'failed')),
  issue text,
  metadata text NOT NULL,
  nonce text NOT NULL,
  latest_seq bigint NOT NULL CHECK (latest_seq >= 0),
  trajectory_hash text NOT NULL,
  bundle_receipt_id text,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL
);
CREATE INDEX runs_by_org ON runtime.runs (org, run_id);
CREATE INDEX runs_by_status ON runtime.runs (org, status, run_id);

CREATE TABLE runtime.run_events (
  run_id text NOT NULL REFERENCES runtime.runs,
  seq bigint NOT NULL CHECK (seq >= 1),
  event_type text NOT NULL,
  payload text NOT NULL,
  payload_hash text NOT NULL,
  -- Head of the hash chain after this event.
  chain_hash text NOT NULL,
  recorded_at_ms bigint NOT NULL,
  PRIMARY KEY (run_id, seq)
);

CREATE TABLE runtime.workers (
  worker_id text PRIMARY KEY,
  org text NOT NULL,
  owner text NOT NULL,
  display_name text NOT NULL,
  roles text[] NOT NULL,
  status text NOT NULL CHECK (status IN ('running', 'stopped', 'disabled')),
  capabilities text[] NOT NULL,
  price_msats bigint NOT NULL CHECK (price_msats >= 0),
  caps text NOT NULL,
  toolchains text NOT NULL,
  zone_tenths integer NOT NULL CHECK (zone_tenths IN (0, 5, 10)),
  last_heartbeat_at_ms bigint NOT NULL,
  created_at_ms bigint NOT NULL
);
CREATE INDEX workers_by_org ON runtime.workers (org, worker_id);
CREATE INDEX workers_fresh ON runtime.workers (last_heartbeat_at_ms) WHERE status = 'running';

CREATE TABLE runtime.artifact_grants (
  org text NOT NULL,
  sha256 text NOT NULL,
  bytes bigint NOT NULL CHECK (bytes >= 0),
  granted_at_ms bigint NOT NULL,
  PRIMARY KEY (org, sha256)
);

CREATE TABLE runtime.quotes (
  quote_id text PRIMARY KEY,
  org text NOT NULL,
  run_id text NOT NULL REFERENCES runtime.runs,
  capability text NOT NULL,
  job_hash text NOT NULL,
  spec text NOT NULL,
  provider_worker_id text NOT NULL REFERENCES runtime.workers,
  provider_org text NOT NULL,
  provider_price_msats bigint NOT NULL CHECK (provider_price_msats >= 0),
  operator_fee_msats bigint NOT NULL CHECK (operator_fee_msats >= 0),
  issued_at_ms bigint NOT NULL,
  valid_until_ms bigint NOT NULL,
  quote_sha256 text NOT NULL,
  receipt_id text NOT NULL
);

CREATE TABLE runtime.reservations (
  -- Also the id of the pending transfer that holds the money.
  reservation_id text PRIMARY KEY,
  org text NOT NULL,
  amount_msats bigint NOT NULL CHECK (amount_msats > 0),
  status text NOT NULL CHECK (status IN ('reserved', 'released', 'withheld', 'voided')),
  run_id text REFERENCES runtime.runs,
  quote_id text REFERENCES runtime.quotes,
  receipt_id text NOT NULL,
  created_at_ms bigint NOT NULL
);
-- A quote is paid for at most once.
CREATE UNIQUE INDEX reservations_by_quote ON runtime.reservations (quote_id) WHERE status <> 'voided';

CREATE TABLE runtime.jobs (
  job_id text PRIMARY KEY,
  org text NOT NULL,
  run_id text NOT NULL REFERENCES runtime.runs,
  job_hash text NOT NULL,
  status text NOT NULL
    CHECK (status IN ('queued', 'leased', 'reported', 'verified', 'settled', 'canceled')),
  quote_id text NOT NULL UNIQUE REFERENCES runtime.quotes,
  reservation_id text NOT NULL UNIQUE REFERENCES runtime.reservations,
  provider_worker_id text NOT NULL REFERENCES runtime.workers,
  provider_org text NOT NULL,
  spec text NOT NULL,
  -- Hashes that the lease lets its holder read.
  inputs text[] NOT NULL,
  lease_id text UNIQUE,
  lease_expires_at_ms bigint,
  result text,
  failure text,
  dispatch_receipt_id text NOT NULL,
  completed_receipt_id text,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL
);
CREATE INDEX jobs_offered ON runtime.jobs (provider_worker_id, job_id) WHERE status IN ('queued', 'leased');
CREATE INDEX jobs_by_run ON runtime.jobs (run_id);

CREATE TABLE runtime.verifications (
  job_id text PRIMARY KEY REFERENCES runtime.jobs,
  verdict text NOT NULL,
  assurance text NOT NULL,
  proof text NOT NULL,
  because text NOT NULL,
  violations text[] NOT NULL,
  base_exit_code integer,
  patched_exit_code integer,
  receipt_id text NOT NULL,
  receipt_sha256 text NOT NULL,
  verified_at_ms bigint NOT NULL
);

CREATE TABLE runtime.settlements (
  job_id text PRIMARY KEY REFERENCES runtime.jobs,
  org text NOT NULL,
  reservation_id text NOT NULL UNIQUE REFERENCES runtime.reservations,
  status text NOT NULL CHECK (status IN ('released', 'withheld')),
  provider_msats bigint NOT NULL CHECK (provider_msats >= 0),
  operator_fee_msats bigint NOT NULL CHECK (operator_fee_msats >= 0),
  withheld_reason text,
  verification_receipt_id text NOT NULL,
  receipt_id text NOT NULL,
  settled_at_ms bigint NOT NULL,
  CHECK ((status = 'withheld') = (withheld_reason IS NOT NULL))
);
CREATE INDEX settlements_by_org ON runtime.settlements (org, settled_at_ms, job_id);

GRANT USAGE ON SCHEMA runtime TO :app_role;
GRANT SELECT, INSERT ON ALL TABLES IN SCHEMA runtime TO :app_role;
-- Events, quotes, verifications and settlements are written once.
GRANT UPDATE ON runtime.runs, runtime.workers, runtime.reservations, runtime.jobs TO :app_role;
