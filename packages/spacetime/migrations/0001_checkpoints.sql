-- How far each client says that it has applied a stream. Nothing rests on it but
-- the client itself, when it begins again elsewhere.

CREATE TABLE checkpoints (
  client_id text NOT NULL CHECK (length(client_id) BETWEEN 1 AND 200),
  stream_id text NOT NULL CHECK (length(stream_id) BETWEEN 1 AND 200),
  -- Who wrote it first, 64 hex digits.
  identity text NOT NULL,
  last_applied_seq bigint NOT NULL CHECK (last_applied_seq >= 0),
  durable_offset bigint NOT NULL CHECK (durable_offset >= 0),
  updated_at_ms bigint NOT NULL,
  PRIMARY KEY (client_id, stream_id)
);

CREATE INDEX checkpoints_by_identity ON checkpoints (identity);

GRANT SELECT, INSERT, UPDATE ON checkpoints TO :app_role;
