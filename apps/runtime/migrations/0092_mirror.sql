-- How far each stream was handed to a SpacetimeDB server, where one is configured.
-- Bookkeeping of a delivery: losing it costs deliveries that the server knows already.
CREATE TABLE runtime.mirror_cursors (
  stream_id text PRIMARY KEY,
  mirrored_seq bigint NOT NULL CHECK (mirrored_seq >= 0),
  updated_at_ms bigint NOT NULL
);

GRANT SELECT, INSERT, UPDATE ON runtime.mirror_cursors TO :app_role;
