-- The transparency log: hashes of receipts in one order that never changes.

CREATE SCHEMA transparency;

-- Which transaction wrote a receipt. Receipts become visible in another order
-- than `seq` counts; with this, the sequencer asks for exactly those that one
-- snapshot sees and an earlier one did not.
ALTER TABLE authority.receipts ADD COLUMN xid xid8 NOT NULL DEFAULT pg_current_xact_id();
CREATE INDEX receipts_by_xid ON authority.receipts (xid, seq);

-- Hashes that other services handed over.
CREATE TABLE transparency.handovers (
  hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
  -- Downwards, so that these and the receipts' have one order.
  seq bigint GENERATED ALWAYS AS IDENTITY (INCREMENT BY -1),
  xid xid8 NOT NULL DEFAULT pg_current_xact_id(),
  service text NOT NULL,
  handed_over_at_ms bigint NOT NULL
);
CREATE INDEX handovers_by_xid ON transparency.handovers (xid, seq);

-- What the sequencer takes up.
CREATE VIEW transparency.offered AS
  SELECT xid, seq, decode(body::json ->> 'canonical_json_sha256', 'hex') AS hash FROM authority.receipts
  UNION ALL
  SELECT xid, seq, hash FROM transparency.handovers;

-- Whose log this is. Another key on the same entries would be another log.
CREATE TABLE transparency.identity (
  row_number smallint PRIMARY KEY DEFAULT 1 CHECK (row_number = 1),
  log_key text NOT NULL
);

CREATE TABLE transparency.entries (
  index bigint PRIMARY KEY CHECK (index >= 0),
  hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32)
);

-- Roots of perfect subtrees of height 8 · level, as the tiles above the leaves hold them.
CREATE TABLE transparency.nodes (
  level smallint CHECK (level > 0),
  index bigint CHECK (index >= 0),
  hash bytea NOT NULL CHECK (octet_length(hash) = 32),
  PRIMARY KEY (level, index)
);

-- Every head that the tree had, and how far the sequencer had come with it.
CREATE TABLE transparency.heads (
  size bigint PRIMARY KEY CHECK (size >= 0),
  root bytea NOT NULL CHECK (octet_length(root) = 32),
  -- All that this snapshot sees is in the log.
  seen pg_snapshot NOT NULL,
  -- Of what this later one sees, all up to and including (after_xid, after_seq) is; absent when nothing is half taken.
  taking pg_snapshot,
  after_xid xid8,
  after_seq bigint,
  appended_at_ms bigint NOT NULL,
  CHECK ((taking IS NULL) = (after_xid IS NULL) AND (taking IS NULL) = (after_seq IS NULL))
);

-- The empty tree, before any transaction.
INSERT INTO transparency.heads (size, root, seen, appended_at_ms)
VALUES (0, sha256(''), '1:1:', 0);

GRANT USAGE ON SCHEMA transparency TO :app_role;
-- Nothing that was logged can be changed or taken back.
GRANT SELECT, INSERT
  ON transparency.handovers, transparency.identity, transparency.entries, transparency.nodes, transparency.heads
  TO :app_role;
GRANT SELECT ON transparency.offered TO :app_role;
