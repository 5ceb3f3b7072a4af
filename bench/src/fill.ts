// Ten million events and a million receipts, made by set-based SQL, because
// commands would take hours. Every constraint holds afterwards: indexes that
// nothing refers to are dropped first and built at the end of the same
// transaction, which is several times faster. Event payloads are alike, and hashes
// of events and receipts are of the right form and no more.

import { connect, type Tx } from "@openagents/postgres";
import { ORGS } from "./traffic.ts";

const RUNS = 100_000;
const EVENTS_PER_RUN = 100;
export const EVENTS = RUNS * EVENTS_PER_RUN;
export const RECEIPTS = 1_000_000;

/** Of one statement, so that there is something to say meanwhile. */
const RUNS_AT_ONCE = 10_000;
const RECEIPTS_AT_ONCE = 100_000;

/** For the whole server while it fills: a checkpoint in between would write pages twice. */
const WHILE_FILLING = "ALTER SYSTEM SET max_wal_size = '16GB'";
const AFTERWARDS = "ALTER SYSTEM RESET max_wal_size";
const RELOAD = "SELECT pg_reload_conf()";

/** Fill a migrated database that holds nothing yet and that nobody uses meanwhile; `say` is told how far it is. */
export async function fill(url: string, say: (line: string) => void): Promise<void> {
  const db = connect({ url, applicationName: "bench", statementTimeoutMs: 0 });
  const run = (text: string) => db.query({ name: "", text });
  try {
    await run(WHILE_FILLING);
    await run(RELOAD);
    // Tables that do not meet, each by a connection of its own.
    await Promise.all([
      db.transaction((tx) => fillRuns(tx, say)),
      db.transaction((tx) => fillReceipts(tx, say)),
    ]);
    say("vacuum, statistics, checkpoint");
    await run("VACUUM (FREEZE, ANALYZE)");
    await run(AFTERWARDS);
    await run(RELOAD);
    await run("CHECKPOINT");
  } finally {
    await db.close();
  }
}

async function fillRuns(tx: Tx, say: (line: string) => void): Promise<void> {
  await prepare(tx);
  const restore = await dropIndexes(tx, "runtime.run_events");
  for (let from = 0; from < RUNS; from += RUNS_AT_ONCE) {
    for (const text of runsFrom(from + 1, from + RUNS_AT_ONCE)) await tx.query({ name: "", text });
    say(
      `${((from + RUNS_AT_ONCE) * EVENTS_PER_RUN).toLocaleString("en")} events of ${EVENTS.toLocaleString("en")}`,
    );
  }
  await restore();
  say("events are indexed");
}

async function fillReceipts(tx: Tx, say: (line: string) => void): Promise<void> {
  await prepare(tx);
  const restore = await dropIndexes(tx, "authority.receipts");
  for (let from = 0; from < RECEIPTS; from += RECEIPTS_AT_ONCE)
    await tx.query({ name: "", text: receiptsFrom(from + 1, from + RECEIPTS_AT_ONCE) });
  await restore();
  say(`${RECEIPTS.toLocaleString("en")} receipts are there and indexed`);
}

async function prepare(tx: Tx): Promise<void> {
  for (const text of [
    // The rows refer to what is there by construction; ten million checks of it would take most of the time.
    "SET LOCAL session_replication_role = replica",
    "SET LOCAL maintenance_work_mem = '1GB'",
    "SET LOCAL max_parallel_maintenance_workers = 2",
  ])
    await tx.query({ name: "", text });
}

/** Drop a table's indexes and the constraints that are indexes; the answer makes them again, as they were. */
async function dropIndexes(tx: Tx, table: string): Promise<() => Promise<void>> {
  const constraints = await tx.query<{ name: string; definition: string }>(
    {
      name: "",
      text: `SELECT conname AS name, pg_get_constraintdef(oid) AS definition FROM pg_constraint
              WHERE conrelid = $1::regclass AND contype IN ('p', 'u')`,
    },
    [table],
  );
  const indexes = await tx.query<{ name: string; definition: string }>(
    {
      name: "",
      text: `SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition FROM pg_index i
              WHERE i.indrelid = $1::regclass
                AND NOT EXISTS (SELECT FROM pg_constraint c WHERE c.conindid = i.indexrelid AND c.conrelid = i.indrelid)`,
    },
    [table],
  );
  for (const { name } of constraints)
    await tx.query({ name: "", text: `ALTER TABLE ${table} DROP CONSTRAINT ${name}` });
  for (const { name } of indexes) await tx.query({ name: "", text: `DROP INDEX ${name}` });
  return async () => {
    for (const { name, definition } of constraints)
      await tx.query({ name: "", text: `ALTER TABLE ${table} ADD CONSTRAINT ${name} ${definition}` });
    for (const { definition } of indexes) await tx.query({ name: "", text: definition });
  };
}

/** Finished runs with their events, and with the projections that these come to. */
function runsFrom(from: number, through: number): string[] {
  const ids = `SELECT n, 'run_' || lpad(to_hex(n), 32, '0') AS run_id, 'org_bench' || n % ${ORGS} AS org, repeat(md5(n::text), 2) AS chain
                 FROM generate_series(${from}, ${through}) AS n`;
  const finished = `seq = ${EVENTS_PER_RUN}`;
  const summary = `'{"attempts":0,"event_count":${EVENTS_PER_RUN},"held":{},"last_event_type":"run.finished","last_seq":${EVENTS_PER_RUN},"reserved_msats":0,"run_id":"' || run_id || '","spent_msats":0,"status":"succeeded","waits_for_review":false}'`;
  return [
    `INSERT INTO runtime.runs (run_id, org, created_by, status, metadata, nonce, latest_seq, trajectory_hash, projection_due, created_at_ms, updated_at_ms)
     SELECT run_id, org, 'usr_bench' || n % ${ORGS}, 'succeeded', '{}', md5(n::text), ${EVENTS_PER_RUN}, chain, false, n, n
       FROM (${ids}) AS made`,
    `INSERT INTO runtime.run_events (run_id, seq, event_type, payload, payload_hash, chain_hash, recorded_at_ms)
     SELECT run_id, seq, CASE WHEN ${finished} THEN 'run.finished' ELSE 'tool.output' END,
            CASE WHEN ${finished} THEN '{"status":"succeeded"}' ELSE '{"exit_code":0,"lines":12}' END,
            'sha256:' || chain, chain, n
       FROM (${ids}) AS made, generate_series(1, ${EVENTS_PER_RUN}) AS seq`,
    `INSERT INTO runtime.run_projections (run_id, org, last_seq, chain_hash, summary, projection_hash, updated_at_ms)
     SELECT run_id, org, ${EVENTS_PER_RUN}, chain, summary, 'sha256:' || encode(sha256(convert_to(summary, 'UTF8')), 'hex'), n
       FROM (SELECT *, ${summary} AS summary FROM (${ids}) AS made) AS summed`,
  ];
}

function receiptsFrom(from: number, through: number): string {
  return `
    INSERT INTO authority.receipts (receipt_id, tenant, schema, subject, body, occurred_at_ms)
    SELECT 'bres_' || left(hash, 24), 'org_bench' || org, 'openagents.treasury.budget_reserved.v1', 'rsv_' || nonce,
           format('{"actor":"usr_bench%s","amount_msats":1,"canonical_json_sha256":"%s","nonce":"%s","occurred_at":"2026-01-01T00:00:00.000Z","receipt_id":"bres_%s","request_id":"req_%s","reservation_id":"rsv_%s","schema":"openagents.treasury.budget_reserved.v1","tenant":"org_bench%s"}',
                  org, hash, nonce, left(hash, 24), nonce, nonce, org), n
      FROM (SELECT n, n % ${ORGS} AS org, md5(n::text) AS nonce, encode(sha256(n::text::bytea), 'hex') AS hash
              FROM generate_series(${from}, ${through}) AS n) AS made`;
}
