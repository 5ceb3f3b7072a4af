-- Whether commands may change anything. One row, read with every claim.

CREATE TABLE authority.mode (
  one boolean PRIMARY KEY DEFAULT true CHECK (one),
  mode text NOT NULL CHECK (mode IN ('active', 'read_only')),
  reason text NOT NULL,
  -- Absent before the first change.
  changed_by text,
  changed_at_ms bigint,
  receipt_id text
);
INSERT INTO authority.mode (mode, reason) VALUES ('active', '');

GRANT SELECT, UPDATE (mode, reason, changed_by, changed_at_ms, receipt_id) ON authority.mode TO :app_role;
