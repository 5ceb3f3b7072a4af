-- Second opinions, reviews, and who made a false report.

ALTER TABLE runtime.workers
  ADD COLUMN strikes integer NOT NULL DEFAULT 0 CHECK (strikes >= 0),
  ADD COLUMN quarantined boolean NOT NULL DEFAULT false;

-- A quote made before there were second opinions has none, and is expired.
ALTER TABLE runtime.quotes
  ADD COLUMN second_worker_id text REFERENCES runtime.workers,
  ADD COLUMN second_org text,
  ADD COLUMN second_assurance text CHECK (second_assurance IN ('self', 'independent')),
  ADD COLUMN second_price_msats bigint CHECK (second_price_msats >= 0),
  ADD COLUMN second_fee_msats bigint CHECK (second_fee_msats >= 0);

ALTER TABLE runtime.jobs
  ADD COLUMN purpose text NOT NULL DEFAULT 'work'
    CHECK (purpose IN ('work', 'second_opinion', 'adjudication')),
  ADD COLUMN primary_job_id text REFERENCES runtime.jobs,
  ADD COLUMN repeats integer NOT NULL DEFAULT 1 CHECK (repeats BETWEEN 1 AND 5),
  -- Set at the first claim: from then on no lease is renewed, and the job is offered to nobody.
  ADD COLUMN overdue_at_ms bigint,
  ADD CHECK ((purpose = 'work') = (primary_job_id IS NULL)),
  ADD CHECK ((purpose = 'adjudication') = (quote_id IS NULL)),
  ADD CHECK ((quote_id IS NULL) = (reservation_id IS NULL)),
  ALTER COLUMN quote_id DROP NOT NULL,
  ALTER COLUMN reservation_id DROP NOT NULL,
  DROP CONSTRAINT jobs_quote_id_key,
  DROP CONSTRAINT jobs_reservation_id_key;
-- A quote is ordered once, and a reservation pays for one order; the second
-- opinion rests on the same two.
CREATE UNIQUE INDEX jobs_work_by_quote ON runtime.jobs (quote_id) WHERE purpose = 'work';
CREATE UNIQUE INDEX jobs_work_by_reservation ON runtime.jobs (reservation_id) WHERE purpose = 'work';
CREATE INDEX jobs_by_primary ON runtime.jobs (primary_job_id, job_id) WHERE primary_job_id IS NOT NULL;

ALTER TABLE runtime.verifications
  ADD COLUMN guard_exit_code integer,
  ADD COLUMN review_paths text[] NOT NULL DEFAULT '{}',
  ADD COLUMN tests_fixed integer,
  ADD COLUMN tests_kept integer,
  ADD COLUMN second_job_id text REFERENCES runtime.jobs,
  ADD COLUMN disagreement boolean NOT NULL DEFAULT false,
  ADD COLUMN incident_id text;

-- What a provider handed in under the lease of a job: a report may name only these.
CREATE TABLE runtime.job_outputs (
  job_id text NOT NULL REFERENCES runtime.jobs,
  sha256 text NOT NULL,
  PRIMARY KEY (job_id, sha256)
);

CREATE TABLE runtime.reviews (
  job_id text PRIMARY KEY REFERENCES runtime.verifications,
  decision text NOT NULL CHECK (decision IN ('accepted', 'rejected')),
  note text NOT NULL,
  reviewed_by text NOT NULL,
  receipt_id text NOT NULL,
  reviewed_at_ms bigint NOT NULL
);

ALTER TABLE runtime.settlements
  ADD COLUMN second_opinion_msats bigint NOT NULL DEFAULT 0 CHECK (second_opinion_msats >= 0);

CREATE TABLE runtime.incidents (
  incident_id text PRIMARY KEY,
  kind text NOT NULL CHECK (kind IN ('disagreement', 'violation')),
  status text NOT NULL CHECK (status IN ('open', 'adjudicating', 'decided')),
  org text NOT NULL,
  run_id text NOT NULL REFERENCES runtime.runs,
  job_id text NOT NULL UNIQUE REFERENCES runtime.jobs,
  first_worker_id text NOT NULL REFERENCES runtime.workers,
  second_job_id text REFERENCES runtime.jobs,
  second_worker_id text REFERENCES runtime.workers,
  third_job_id text REFERENCES runtime.jobs,
  outcome text CHECK (outcome IN ('first_struck', 'second_struck', 'both_struck', 'flaky', 'undecided')),
  detail text NOT NULL,
  receipt_id text NOT NULL,
  opened_at_ms bigint NOT NULL,
  decided_at_ms bigint,
  CHECK ((status = 'decided') = (outcome IS NOT NULL)),
  CHECK ((outcome IS NULL) = (decided_at_ms IS NULL))
);
CREATE INDEX incidents_unsettled ON runtime.incidents (incident_id) WHERE status <> 'decided';
CREATE INDEX incidents_by_org ON runtime.incidents (org, incident_id);
CREATE INDEX incidents_by_first ON runtime.incidents (first_worker_id, incident_id);
CREATE INDEX incidents_by_second ON runtime.incidents (second_worker_id, incident_id);

GRANT SELECT, INSERT ON runtime.job_outputs, runtime.reviews, runtime.incidents TO :app_role;
GRANT UPDATE ON runtime.incidents TO :app_role;
