-- Who did what. Entries are added, and never changed or taken away.

CREATE TABLE control.audit_entries (
  -- Sorts by time.
  entry_id text PRIMARY KEY,
  -- Who may read it; `org_operator` for what is no organisation's.
  org text NOT NULL,
  occurred_at_ms bigint NOT NULL,
  actor text NOT NULL,
  acting_for text,
  action text NOT NULL CHECK (action <> ''),
  subject text NOT NULL,
  details jsonb NOT NULL,
  request_id text,
  receipt_id text
);
CREATE INDEX audit_entries_by_org ON control.audit_entries (org, entry_id DESC);
CREATE INDEX audit_entries_by_actor ON control.audit_entries (org, actor, entry_id DESC);
CREATE INDEX audit_entries_by_subject ON control.audit_entries (org, subject, entry_id DESC);

GRANT SELECT, INSERT ON control.audit_entries TO :app_role;
