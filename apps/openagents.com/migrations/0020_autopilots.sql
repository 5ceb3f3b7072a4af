-- The agents of people, and what each of them may do.
CREATE TABLE control.autopilots (
  autopilot_id text PRIMARY KEY,
  org text NOT NULL,
  owner text NOT NULL,
  handle text NOT NULL,
  display_name text NOT NULL,
  tagline text NOT NULL,
  status text NOT NULL CHECK (status IN ('active', 'disabled', 'archived')),
  visibility text NOT NULL CHECK (visibility IN ('private', 'discoverable', 'public')),
  config_version bigint NOT NULL CHECK (config_version > 0),
  -- Canonical JSON.
  profile text NOT NULL,
  tools_allowed text[] NOT NULL,
  tools_denied text[] NOT NULL,
  -- Absent: nothing may be spent.
  spend_per_call_msats_max bigint CHECK (spend_per_call_msats_max >= 0),
  spend_per_day_msats_max bigint CHECK (spend_per_day_msats_max >= 0),
  spend_per_month_msats_max bigint CHECK (spend_per_month_msats_max >= 0),
  -- Absent: whatever costs something waits for a person.
  approval_over_msats bigint CHECK (approval_over_msats >= 0),
  writes_without_approval boolean NOT NULL,
  hosts_allowed text[] NOT NULL,
  fallback_order text[] NOT NULL,
  worker_id text,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  UNIQUE (org, handle)
);

CREATE INDEX autopilots_by_owner ON control.autopilots (org, owner, autopilot_id DESC);

GRANT SELECT, INSERT, UPDATE ON control.autopilots TO :app_role;
