-- What providers are paid for and at which price, and what a quote says of it.

ALTER TABLE runtime.workers
  ADD COLUMN execution_price_msats bigint CHECK (execution_price_msats > 0),
  ADD COLUMN price_bands text NOT NULL DEFAULT '[]';

-- A quote made before is expired, and was paid for by its outcome.
ALTER TABLE runtime.quotes
  ADD COLUMN pay_on text NOT NULL DEFAULT 'outcome' CHECK (pay_on IN ('outcome', 'execution')),
  ADD COLUMN policy text NOT NULL DEFAULT 'cheapest' CHECK (policy IN ('cheapest', 'balanced', 'fastest')),
  ADD COLUMN supply_class text NOT NULL DEFAULT 'single_node'
    CHECK (supply_class IN ('single_node', 'reserve_pool')),
  ADD COLUMN policy_adder_msats bigint NOT NULL DEFAULT 0 CHECK (policy_adder_msats >= 0);

ALTER TABLE runtime.jobs
  -- What its provider is paid at most, and what it asked for; both absent in an adjudication.
  ADD COLUMN price_msats bigint CHECK (price_msats >= 0),
  ADD COLUMN charged_msats bigint CHECK (charged_msats >= 0);
UPDATE runtime.jobs j
   SET price_msats = CASE j.purpose WHEN 'work' THEN q.provider_price_msats ELSE q.second_price_msats END
  FROM runtime.quotes q WHERE q.quote_id = j.quote_id;

ALTER TABLE runtime.settlements
  ADD COLUMN pay_on text NOT NULL DEFAULT 'outcome' CHECK (pay_on IN ('outcome', 'execution'));

-- What became of a provider's jobs, in one row, because every selection reads it
-- of every candidate. Moves with the job that it counts.
CREATE TABLE runtime.provider_records (
  worker_id text PRIMARY KEY REFERENCES runtime.workers,
  jobs_done bigint NOT NULL DEFAULT 0 CHECK (jobs_done >= 0),
  -- By its own fault.
  jobs_faulty bigint NOT NULL DEFAULT 0 CHECK (jobs_faulty >= 0),
  jobs_released bigint NOT NULL DEFAULT 0 CHECK (jobs_released >= 0),
  price_violations bigint NOT NULL DEFAULT 0 CHECK (price_violations >= 0),
  -- Of recent jobs, the last weighing an eighth.
  latency_ms bigint CHECK (latency_ms >= 0)
);

GRANT SELECT, INSERT, UPDATE ON runtime.provider_records TO :app_role;
