-- Runs from before there were streams get theirs, with the same bytes that an event writes today.

INSERT INTO sync.stream_heads (stream_id, tenant, head_seq, updated_at_ms)
SELECT 'runtime.run.' || run_id || '.events', min(r.org), count(*), max(e.recorded_at_ms)
  FROM runtime.run_events e JOIN runtime.runs r USING (run_id)
 GROUP BY run_id;

INSERT INTO sync.stream_events (stream_id, seq, payload_hash, payload, committed_at_ms)
SELECT stream_id, seq, 'sha256:' || encode(sha256(convert_to(payload, 'UTF8')), 'hex'), payload, recorded_at_ms
  FROM (SELECT 'runtime.run.' || run_id || '.events' AS stream_id,
               row_number() OVER (PARTITION BY run_id ORDER BY seq) AS seq,
               format('{"kind":%s,"occurred_at":"%s","payload":{"chain_hash":"sha256:%s","payload":%s,"run_id":"%s","seq":%s}}',
                      to_json(event_type),
                      to_char(to_timestamp(recorded_at_ms / 1000.0) AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"Z"'),
                      chain_hash, payload, run_id, seq) AS payload,
               recorded_at_ms
          FROM runtime.run_events) AS told;
