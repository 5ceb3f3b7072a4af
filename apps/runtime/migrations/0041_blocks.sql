-- Whom a provider does not work for, and the lists that a provider reads.

CREATE TABLE runtime.buyer_blocks (
  -- The provider's organisation.
  org text NOT NULL,
  buyer_org text NOT NULL,
  reason text NOT NULL,
  receipt_id text NOT NULL,
  blocked_at_ms bigint NOT NULL,
  PRIMARY KEY (org, buyer_org)
);
CREATE INDEX buyer_blocks_by_buyer ON runtime.buyer_blocks (buyer_org, org);
CREATE INDEX jobs_by_worker ON runtime.jobs (provider_worker_id, job_id);

GRANT SELECT, INSERT, DELETE ON runtime.buyer_blocks TO :app_role;
