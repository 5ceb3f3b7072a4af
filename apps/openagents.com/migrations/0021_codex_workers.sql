-- Workers on the devices of people, and what is asked of them.
CREATE TABLE control.codex_workers (
  worker_id text PRIMARY KEY,
  org text NOT NULL,
  owner text NOT NULL,
  name text NOT NULL,
  device_id text NOT NULL,
  status text NOT NULL CHECK (status IN ('running', 'stopped')),
  adapter text NOT NULL,
  workspace_ref text NOT NULL,
  -- Canonical JSON.
  metadata text NOT NULL,
  -- Requests so far: the number of the newest.
  request_count bigint NOT NULL DEFAULT 0,
  last_seen_at_ms bigint,
  created_at_ms bigint NOT NULL,
  updated_at_ms bigint NOT NULL,
  -- A name is its owner's, so that nobody takes it from another.
  UNIQUE (org, owner, name)
);

CREATE INDEX codex_workers_by_owner ON control.codex_workers (org, owner, worker_id DESC);

CREATE TABLE control.codex_worker_requests (
  worker_id text NOT NULL REFERENCES control.codex_workers,
  request_id text NOT NULL,
  -- In the order in which they were asked.
  ordinal bigint NOT NULL,
  requested_by text NOT NULL,
  method text NOT NULL,
  -- Canonical JSON.
  params text NOT NULL,
  thread_id text,
  status text NOT NULL CHECK (status IN ('open', 'claimed', 'answered')),
  -- Whether it waits for a device that is away.
  waits boolean NOT NULL,
  claim_session text,
  claims integer NOT NULL DEFAULT 0,
  deadline_ms bigint NOT NULL,
  -- Canonical JSON: `{"response":…}` or `{"error":…}`.
  answer text,
  created_at_ms bigint NOT NULL,
  answered_at_ms bigint,
  PRIMARY KEY (worker_id, request_id),
  UNIQUE (worker_id, ordinal),
  CHECK ((status = 'answered') = (answer IS NOT NULL)),
  CHECK ((status = 'answered') = (answered_at_ms IS NOT NULL))
);

CREATE INDEX codex_worker_requests_unanswered ON control.codex_worker_requests (worker_id, ordinal)
  WHERE status <> 'answered';
CREATE INDEX codex_worker_requests_due ON control.codex_worker_requests (deadline_ms)
  WHERE status <> 'answered';

-- A terminal answer stays as it is.
CREATE FUNCTION control.refuse_second_answer() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  RAISE EXCEPTION 'a request is answered once' USING ERRCODE = 'check_violation';
END $$;

CREATE TRIGGER codex_worker_requests_answered_once BEFORE UPDATE ON control.codex_worker_requests
  FOR EACH ROW WHEN (OLD.status = 'answered') EXECUTE FUNCTION control.refuse_second_answer();

GRANT SELECT, INSERT, UPDATE ON control.codex_workers, control.codex_worker_requests TO :app_role;
