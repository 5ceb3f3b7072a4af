-- What organisations let services use in their name elsewhere.
CREATE TABLE control.integrations (
  org text NOT NULL,
  provider text NOT NULL CHECK (provider IN ('github', 'forgejo', 'resend')),
  base_url text NOT NULL,
  -- AES-256-GCM, bound to the organisation, the provider and the address.
  key_id text NOT NULL,
  nonce bytea NOT NULL CHECK (length(nonce) = 12),
  sealed bytea NOT NULL,
  secret_hint text NOT NULL,
  check_status text NOT NULL CHECK (check_status IN ('unchecked', 'works', 'refused', 'unreachable')),
  account text,
  checked_at_ms bigint,
  connected_at_ms bigint NOT NULL,
  connected_by text NOT NULL,
  receipt_id text NOT NULL,
  PRIMARY KEY (org, provider)
);
CREATE INDEX integrations_by_key ON control.integrations (key_id);

GRANT SELECT, INSERT, UPDATE, DELETE ON control.integrations TO :app_role;
