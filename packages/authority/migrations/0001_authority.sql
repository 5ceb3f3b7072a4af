-- Finished commands and their receipts. Both are written once and never
-- changed: the service's role may insert and read, nothing else.

CREATE SCHEMA authority;

CREATE TABLE authority.commands (
  -- sha256 over tenant, principal, method and key.
  command_id bytea PRIMARY KEY CHECK (octet_length(command_id) = 32),
  tenant text NOT NULL,
  principal text NOT NULL,
  method text NOT NULL,
  key text NOT NULL,
  -- sha256 of the canonical request, defaults filled.
  request_sha256 bytea NOT NULL CHECK (octet_length(request_sha256) = 32),
  status smallint NOT NULL,
  content_type text NOT NULL,
  -- The answer, byte for byte as it was sent.
  body text NOT NULL,
  committed_at_ms bigint NOT NULL
);

CREATE TABLE authority.receipts (
  receipt_id text PRIMARY KEY,
  seq bigint GENERATED ALWAYS AS IDENTITY,
  tenant text NOT NULL,
  schema text NOT NULL,
  -- What the receipt is about: the run where there is one, else the thing itself.
  subject text NOT NULL,
  -- Canonical JSON (RFC 8785) of the whole receipt.
  body text NOT NULL,
  occurred_at_ms bigint NOT NULL
);

CREATE INDEX receipts_by_tenant ON authority.receipts (tenant, seq);
CREATE INDEX receipts_by_subject ON authority.receipts (subject, seq);
CREATE INDEX receipts_by_schema ON authority.receipts (tenant, schema, seq);

GRANT USAGE ON SCHEMA authority TO :app_role;
GRANT SELECT, INSERT ON authority.commands, authority.receipts TO :app_role;
