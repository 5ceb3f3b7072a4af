-- What autopilots ran of tools.
CREATE TABLE control.tool_executions (
  execution_id text PRIMARY KEY,
  autopilot_id text NOT NULL REFERENCES control.autopilots,
  tool text NOT NULL,
  replay_hash text NOT NULL,
  -- Canonical JSON.
  arguments text NOT NULL,
  -- Absent where the worker knows how it stands.
  status text CHECK (status IN ('pending', 'succeeded', 'failed')),
  -- Canonical JSON.
  result text NOT NULL,
  -- Whose call of the same id it is.
  worker_id text REFERENCES control.codex_workers,
  receipt_id text NOT NULL,
  started_at_ms bigint NOT NULL,
  CHECK ((status IS NULL) = (worker_id IS NOT NULL))
);

CREATE INDEX tool_executions_by_replay ON control.tool_executions (autopilot_id, replay_hash, execution_id DESC);

GRANT SELECT, INSERT, UPDATE (status, result) ON control.tool_executions TO :app_role;
