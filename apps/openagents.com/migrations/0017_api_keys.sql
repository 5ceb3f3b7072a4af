-- Keys of service accounts, which belong to organisations and outlive the people
-- who made them, and of the services of the installation.

CREATE TABLE control.api_keys (
  key_id text PRIMARY KEY,
  -- What people know it by; the secret itself is nowhere.
  prefix text NOT NULL UNIQUE,
  secret_sha256 bytea NOT NULL CHECK (octet_length(secret_sha256) = 32),
  org text NOT NULL,
  -- `sa_…` or `svc_…`.
  principal text NOT NULL,
  name text NOT NULL,
  scopes text[] NOT NULL CHECK (cardinality(scopes) > 0),
  created_by text NOT NULL,
  created_at_ms bigint NOT NULL,
  expires_at_ms bigint,
  revoked_at_ms bigint,
  last_used_at_ms bigint
);
CREATE INDEX api_keys_by_org ON control.api_keys (org, key_id DESC);
CREATE INDEX api_keys_by_principal ON control.api_keys (principal);

GRANT SELECT, INSERT ON control.api_keys TO :app_role;
GRANT UPDATE (revoked_at_ms, last_used_at_ms) ON control.api_keys TO :app_role;
