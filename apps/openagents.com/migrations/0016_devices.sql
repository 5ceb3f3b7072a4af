-- Devices, known by their key, and challenges that were answered.

CREATE TABLE control.devices (
  -- Made from the key.
  device_id text PRIMARY KEY,
  -- 64 hex digits, Ed25519.
  public_key text NOT NULL UNIQUE,
  org text NOT NULL,
  owner_user_id text NOT NULL,
  name text NOT NULL,
  platform text NOT NULL,
  status text NOT NULL CHECK (status IN ('enrolled', 'disabled', 'revoked')),
  enrolled_at_ms bigint NOT NULL,
  status_at_ms bigint NOT NULL,
  last_seen_at_ms bigint
);
CREATE INDEX devices_by_org ON control.devices (org, device_id);
CREATE INDEX devices_by_owner ON control.devices (org, owner_user_id);

-- A challenge is signed by this service and kept by nobody; only that it was answered is.
CREATE TABLE control.answered_challenges (
  nonce text PRIMARY KEY,
  expires_at_ms bigint NOT NULL
);
CREATE INDEX answered_challenges_by_expiry ON control.answered_challenges (expires_at_ms);

GRANT SELECT, INSERT ON control.devices TO :app_role;
GRANT UPDATE (status, status_at_ms, last_seen_at_ms) ON control.devices TO :app_role;
GRANT SELECT, INSERT, DELETE ON control.answered_challenges TO :app_role;
