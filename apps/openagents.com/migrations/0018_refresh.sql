-- Refresh tokens (RFC 6749 §6): a family for each session, whose newest token
-- alone is good. Only hashes are kept.

CREATE TABLE control.refresh_families (
  -- The session: the `sid` of its access tokens.
  sid text PRIMARY KEY,
  user_id text NOT NULL,
  org text NOT NULL,
  authenticated_at_ms bigint NOT NULL,
  methods text[] NOT NULL,
  created_at_ms bigint NOT NULL,
  -- Of the whole family; a refresh does not move it.
  expires_at_ms bigint NOT NULL,
  revoked_at_ms bigint,
  revoked_reason text
);
CREATE INDEX refresh_families_by_expiry ON control.refresh_families (expires_at_ms);
CREATE INDEX refresh_families_by_user ON control.refresh_families (user_id);

CREATE TABLE control.refresh_tokens (
  token_sha256 bytea PRIMARY KEY CHECK (octet_length(token_sha256) = 32),
  sid text NOT NULL REFERENCES control.refresh_families (sid) ON DELETE CASCADE,
  issued_at_ms bigint NOT NULL,
  used_at_ms bigint,
  -- By which key of the caller's it was used, and what came of it.
  used_key_sha256 bytea,
  successor_sha256 bytea
);
CREATE INDEX refresh_tokens_by_family ON control.refresh_tokens (sid);

GRANT SELECT, INSERT, DELETE ON control.refresh_families, control.refresh_tokens TO :app_role;
GRANT UPDATE (org, authenticated_at_ms, methods, expires_at_ms, revoked_at_ms, revoked_reason)
  ON control.refresh_families TO :app_role;
GRANT UPDATE (used_at_ms, used_key_sha256, successor_sha256) ON control.refresh_tokens TO :app_role;
