-- Conversations of people with agents on their devices.
CREATE TABLE control.threads (
  thread_id text PRIMARY KEY,
  org text NOT NULL,
  owner text NOT NULL,
  title text NOT NULL,
  autopilot_id text REFERENCES control.autopilots,
  worker_id text REFERENCES control.codex_workers,
  message_count bigint NOT NULL DEFAULT 0,
  last_message_at_ms bigint,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL
);

CREATE INDEX threads_by_owner ON control.threads (org, owner, thread_id DESC);
CREATE INDEX threads_by_autopilot ON control.threads (autopilot_id, thread_id DESC);

CREATE TABLE control.thread_messages (
  thread_id text NOT NULL REFERENCES control.threads,
  seq bigint NOT NULL CHECK (seq > 0),
  message_id text NOT NULL UNIQUE,
  role text NOT NULL CHECK (role IN ('user', 'assistant', 'tool')),
  status text NOT NULL CHECK (status IN ('sent', 'streaming', 'complete', 'failed')),
  text text NOT NULL,
  -- Canonical JSON.
  tool text NOT NULL,
  error text NOT NULL,
  request_id text NOT NULL,
  -- The agent's name for it within the turn; empty for a person's.
  item_id text NOT NULL,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (thread_id, seq),
  UNIQUE (thread_id, request_id, item_id)
);

GRANT SELECT, INSERT, UPDATE ON control.threads, control.thread_messages TO :app_role;
