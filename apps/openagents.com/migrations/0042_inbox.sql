-- What waits for a person to decide, and what became of mail.
CREATE TABLE control.approvals (
  approval_id text PRIMARY KEY,
  org text NOT NULL,
  -- Who decides.
  user_id text NOT NULL,
  kind text NOT NULL CHECK (kind IN ('spend', 'question', 'draft', 'claim', 'action')),
  title text NOT NULL,
  detail text NOT NULL,
  -- Canonical JSON.
  facts text NOT NULL,
  -- Of kind, facts and amount: what was approved is what is done.
  subject_sha256 text NOT NULL,
  amount_msats bigint CHECK (amount_msats >= 0),
  requested_by text NOT NULL,
  requested_at_ms bigint NOT NULL,
  expires_at_ms bigint NOT NULL,
  decision text CHECK (decision IN ('approved', 'rejected')),
  decided_by text,
  decided_at_ms bigint,
  answer text,
  used_at_ms bigint,
  receipt_id text,
  CHECK ((decision IS NULL) = (decided_at_ms IS NULL) AND (decision IS NULL) = (decided_by IS NULL)
     AND (decision IS NULL) = (receipt_id IS NULL)),
  CHECK (used_at_ms IS NULL OR decision = 'approved')
);
CREATE INDEX approvals_by_user ON control.approvals (user_id, approval_id DESC);
CREATE INDEX approvals_open ON control.approvals (user_id, approval_id DESC) WHERE decision IS NULL;

CREATE TABLE control.mail_deliveries (
  provider text NOT NULL,
  event_id text NOT NULL,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  state text NOT NULL,
  message_id text NOT NULL,
  content_sha256 text NOT NULL,
  occurred_at_ms bigint NOT NULL,
  recorded_at_ms bigint NOT NULL,
  PRIMARY KEY (provider, event_id)
);
CREATE UNIQUE INDEX mail_deliveries_by_seq ON control.mail_deliveries (seq DESC);

GRANT SELECT, INSERT, UPDATE ON control.approvals TO :app_role;
GRANT SELECT, INSERT ON control.mail_deliveries TO :app_role;
