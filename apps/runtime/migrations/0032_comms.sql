-- What became of messages, as their providers tell. The payload is hashed and not
-- kept: it names people.

CREATE TABLE runtime.delivery_events (
  org text NOT NULL,
  provider text NOT NULL,
  event_id text NOT NULL,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  delivery_state text NOT NULL,
  message_id text,
  content_sha256 text NOT NULL,
  receipt_id text NOT NULL,
  recorded_at_ms bigint NOT NULL,
  PRIMARY KEY (org, provider, event_id)
);
CREATE INDEX delivery_events_by_org ON runtime.delivery_events (org, seq);
CREATE INDEX delivery_events_by_message ON runtime.delivery_events (org, message_id, seq)
  WHERE message_id IS NOT NULL;

GRANT SELECT, INSERT ON runtime.delivery_events TO :app_role;
