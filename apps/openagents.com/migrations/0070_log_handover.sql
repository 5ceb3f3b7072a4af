-- How far this service's receipts were handed over to the transparency log: all
-- that `seen` sees were, and of what `taking` sees, all up to (after_xid, after_seq).
CREATE TABLE control.log_handover (
  row_number smallint PRIMARY KEY DEFAULT 1 CHECK (row_number = 1),
  seen pg_snapshot NOT NULL,
  taking pg_snapshot,
  after_xid xid8,
  after_seq bigint,
  handed_over_at_ms bigint NOT NULL,
  CHECK ((taking IS NULL) = (after_xid IS NULL) AND (taking IS NULL) = (after_seq IS NULL))
);

-- Nothing yet, so that receipts from before enter the log, too.
INSERT INTO control.log_handover (seen, handed_over_at_ms) VALUES ('1:1:', 0);

GRANT SELECT, UPDATE (seen, taking, after_xid, after_seq, handed_over_at_ms) ON control.log_handover TO :app_role;
