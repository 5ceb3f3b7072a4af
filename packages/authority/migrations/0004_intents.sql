-- Outside effects: what is meant to be done, committed before it is done, and
-- what became of it. An intent that is due belongs to whoever raises its epoch.

CREATE TABLE authority.intents (
  intent_id text PRIMARY KEY,
  kind text NOT NULL,
  tenant text NOT NULL,
  -- What it is about, such as a job.
  subject text NOT NULL,
  -- Canonical JSON.
  payload text NOT NULL,
  -- What the outside world tells repeats by.
  effect_key text NOT NULL,
  status text NOT NULL CHECK (status IN ('pending', 'unknown', 'succeeded', 'failed')),
  -- Set before anything is sent: from then on it may have been, and it is never sent again.
  sent_at_ms bigint,
  -- How often an executor took it up.
  attempts integer NOT NULL CHECK (attempts >= 0),
  -- Whoever holds an earlier one records nothing any more.
  epoch bigint NOT NULL CHECK (epoch >= 0),
  -- When it is to be taken up next; while an executor holds it, when that hold lapses.
  due_at_ms bigint NOT NULL,
  -- The command whose replays give the outcome.
  command_id bytea REFERENCES authority.commands,
  request_id text NOT NULL,
  -- Canonical JSON of what became of it.
  outcome text,
  detail text,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  UNIQUE (kind, effect_key),
  CHECK ((status IN ('succeeded', 'failed')) = (outcome IS NOT NULL)),
  CHECK (status <> 'unknown' OR sent_at_ms IS NOT NULL)
);
CREATE INDEX intents_due ON authority.intents (due_at_ms) WHERE status IN ('pending', 'unknown');

-- The terminal answer of a command that first answered "pending": written once, and from then on what replays give.
CREATE TABLE authority.command_outcomes (
  command_id bytea PRIMARY KEY REFERENCES authority.commands,
  status smallint NOT NULL,
  content_type text NOT NULL,
  body text NOT NULL,
  committed_at_ms bigint NOT NULL
);

GRANT SELECT, INSERT ON authority.command_outcomes TO :app_role;
GRANT SELECT, INSERT, UPDATE ON authority.intents TO :app_role;
