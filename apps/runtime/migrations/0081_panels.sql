-- Work that takes judgement: several owners do it, and one decision is made on their answers.

CREATE TABLE runtime.panels (
  panel_id text PRIMARY KEY,
  org text NOT NULL,
  run_id text NOT NULL REFERENCES runtime.runs,
  capability text NOT NULL,
  job_hash text NOT NULL,
  status text NOT NULL CHECK (status IN ('open', 'needs_review', 'decided', 'rejected', 'expired')),
  redundancy integer NOT NULL CHECK (redundancy BETWEEN 1 AND 5),
  -- More than half, so that no two answers can have it.
  quorum integer NOT NULL,
  adjudication text NOT NULL CHECK (adjudication IN ('none', 'majority_vote')),
  pay_on text NOT NULL CHECK (pay_on IN ('outcome', 'execution')),
  own_devices boolean NOT NULL,
  total_price_msats bigint NOT NULL CHECK (total_price_msats > 0),
  created_at_ms bigint NOT NULL,
  decide_by_ms bigint NOT NULL,
  review_by_ms bigint,
  answer_sha256 text,
  because text,
  decided_by text,
  decided_at_ms bigint,
  -- Of the last thing that was decided about it.
  receipt_id text NOT NULL,
  CHECK (quorum * 2 > redundancy AND quorum <= redundancy),
  CHECK ((status = 'decided') = (answer_sha256 IS NOT NULL)),
  CHECK ((status IN ('decided', 'rejected', 'expired')) = (decided_at_ms IS NOT NULL)),
  CHECK (status <> 'needs_review' OR review_by_ms IS NOT NULL)
);

ALTER TABLE runtime.quotes ADD COLUMN panel_id text REFERENCES runtime.panels;
CREATE INDEX quotes_by_panel ON runtime.quotes (panel_id, quote_id) WHERE panel_id IS NOT NULL;

GRANT SELECT, INSERT, UPDATE ON runtime.panels TO :app_role;
