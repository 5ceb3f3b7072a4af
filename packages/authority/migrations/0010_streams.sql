-- Streams: what happened, numbered from 1 without a gap, in the transaction in
-- which it happened. The truth for replay, and what the sync servers deliver.

CREATE SCHEMA sync;

CREATE TABLE sync.stream_heads (
  stream_id text PRIMARY KEY CHECK (stream_id <> ''),
  -- Whose it is.
  tenant text NOT NULL,
  head_seq bigint NOT NULL CHECK (head_seq >= 0),
  -- Events up to and including this one are not kept any more.
  floor_seq bigint NOT NULL DEFAULT 0 CHECK (floor_seq >= 0 AND floor_seq <= head_seq),
  -- How many of the newest events are kept; absent: all, for ever.
  keep_newest integer CHECK (keep_newest > 0),
  updated_at_ms bigint NOT NULL,
  CHECK (keep_newest IS NOT NULL OR floor_seq = 0)
) WITH (fillfactor = 50);

CREATE INDEX stream_heads_by_tenant ON sync.stream_heads (tenant, stream_id);

CREATE TABLE sync.stream_events (
  -- One that has a head: `advance_heads` gives the numbers, and a foreign key would look it up again for each event.
  stream_id text NOT NULL,
  seq bigint NOT NULL CHECK (seq > 0),
  payload_hash text NOT NULL,
  -- Canonical JSON (RFC 8785).
  payload text NOT NULL,
  committed_at_ms bigint NOT NULL,
  PRIMARY KEY (stream_id, seq)
);

-- Count the new events of each stream, and answer the number of the last of each.
-- The heads are locked in the order of their names, so that no two wait for each other.
CREATE FUNCTION sync.advance_heads(streams text[], tenants text[], keeps integer[], ats bigint[])
  RETURNS TABLE (stream_id text, last_seq bigint) LANGUAGE plpgsql AS $$
#variable_conflict use_column
BEGIN
  RETURN QUERY
    INSERT INTO sync.stream_heads AS h (stream_id, tenant, keep_newest, head_seq, updated_at_ms)
    SELECT d.stream, min(d.tenant), min(d.keep), count(*), max(d.at)
      FROM unnest(streams, tenants, keeps, ats) AS d (stream, tenant, keep, at)
     GROUP BY d.stream ORDER BY d.stream
    ON CONFLICT (stream_id) DO UPDATE SET
      -- Nothing of one tenant's is ever appended to a stream of another's: the column takes no null.
      head_seq = CASE WHEN h.tenant = excluded.tenant THEN h.head_seq + excluded.head_seq END,
      updated_at_ms = greatest(h.updated_at_ms, excluded.updated_at_ms)
    RETURNING h.stream_id, h.head_seq;
END $$;

-- The hash chain of a stream at some of its numbers, in the transparency log by the receipt.
CREATE TABLE sync.stream_chains (
  stream_id text NOT NULL,
  seq bigint NOT NULL CHECK (seq > 0),
  chain_hash text NOT NULL,
  receipt_id text NOT NULL,
  PRIMARY KEY (stream_id, seq)
);

-- Events of streams that are kept for ever cannot be taken away, and none is taken out of the middle.
CREATE FUNCTION sync.refuse_gaps() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF EXISTS (
    SELECT FROM trimmed t LEFT JOIN sync.stream_heads h USING (stream_id)
     WHERE h.stream_id IS NULL OR h.keep_newest IS NULL OR t.seq > h.floor_seq
  ) THEN
    RAISE EXCEPTION 'only events up to the floor of a stream that is not permanent may go'
      USING ERRCODE = 'check_violation';
  END IF;
  RETURN NULL;
END $$;

CREATE TRIGGER stream_events_no_gaps AFTER DELETE ON sync.stream_events
  REFERENCING OLD TABLE AS trimmed FOR EACH STATEMENT EXECUTE FUNCTION sync.refuse_gaps();

GRANT USAGE ON SCHEMA sync TO :app_role;
GRANT SELECT, INSERT ON sync.stream_heads, sync.stream_events, sync.stream_chains TO :app_role;
GRANT UPDATE (head_seq, floor_seq, updated_at_ms) ON sync.stream_heads TO :app_role;
GRANT DELETE ON sync.stream_events TO :app_role;

-- Those that keep their newest events only. On columns that never change, so that appending touches no index.
CREATE INDEX stream_heads_trimmed ON sync.stream_heads (stream_id) WHERE keep_newest IS NOT NULL;
