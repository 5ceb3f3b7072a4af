-- When a job is run a second time, by whose draw, and what the parties' records are.

CREATE TABLE runtime.sampling_seeds (
  seed_id text PRIMARY KEY,
  -- Hex. Readable to nobody by any route until it is revealed.
  seed text NOT NULL,
  commitment_sha256 text NOT NULL,
  opened_at_ms bigint NOT NULL,
  revealed_at_ms bigint
);
CREATE INDEX sampling_seeds_hidden ON runtime.sampling_seeds (seed_id) WHERE revealed_at_ms IS NULL;

ALTER TABLE runtime.quotes
  ADD COLUMN verification_policy text NOT NULL DEFAULT 'always'
    CHECK (verification_policy IN ('always', 'sampled')),
  ADD COLUMN sampling_seed_id text REFERENCES runtime.sampling_seeds,
  ADD COLUMN sampling_nonce text,
  ADD COLUMN expected_price_msats bigint,
  ADD CHECK ((verification_policy = 'sampled') = (sampling_seed_id IS NOT NULL)),
  ADD CHECK ((sampling_seed_id IS NULL) = (sampling_nonce IS NULL));
CREATE INDEX quotes_by_seed ON runtime.quotes (sampling_seed_id, quote_id) WHERE sampling_seed_id IS NOT NULL;

-- Canonical JSON of why the result was run again, or was not.
ALTER TABLE runtime.verifications ADD COLUMN rerun text;

-- On what terms a job is repeated: for the price of whoever does it, which need not be
-- that of the one that was quoted; and why (canonical JSON).
CREATE TABLE runtime.second_orders (
  job_id text PRIMARY KEY REFERENCES runtime.jobs,
  price_msats bigint NOT NULL CHECK (price_msats >= 0),
  fee_msats bigint NOT NULL CHECK (fee_msats >= 0),
  rerun text NOT NULL
);

-- Jobs of a provider that somebody else confirmed.
CREATE TABLE runtime.provider_standings (
  org text PRIMARY KEY,
  agreeing_jobs bigint NOT NULL CHECK (agreeing_jobs > 0)
);

-- What providers see of a buyer.
CREATE TABLE runtime.buyer_standings (
  org text PRIMARY KEY,
  settled_jobs bigint NOT NULL DEFAULT 0 CHECK (settled_jobs >= 0),
  disputed_jobs bigint NOT NULL DEFAULT 0 CHECK (disputed_jobs >= 0),
  -- Disputes in which the operator's run confirmed the report.
  disputes_lost bigint NOT NULL DEFAULT 0 CHECK (disputes_lost >= 0)
);

GRANT SELECT, INSERT ON runtime.sampling_seeds, runtime.second_orders, runtime.provider_standings,
  runtime.buyer_standings TO :app_role;
GRANT UPDATE ON runtime.sampling_seeds, runtime.provider_standings, runtime.buyer_standings TO :app_role;
