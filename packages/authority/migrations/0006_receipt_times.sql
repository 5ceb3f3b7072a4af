-- Receipts are listed by time, so that a span of it is found without walking past
-- the rest of them.

DROP INDEX authority.receipts_by_tenant;
DROP INDEX authority.receipts_by_subject;
DROP INDEX authority.receipts_by_schema;
CREATE INDEX receipts_by_tenant ON authority.receipts (tenant, occurred_at_ms, seq);
CREATE INDEX receipts_by_subject ON authority.receipts (subject, occurred_at_ms, seq);
CREATE INDEX receipts_by_schema ON authority.receipts (tenant, schema, occurred_at_ms, seq);
