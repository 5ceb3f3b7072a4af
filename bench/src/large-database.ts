// What a large database costs: the same rates with ten million events and a
// million receipts stored as on the empty one.
//
// The rows are made by set-based SQL, because commands would take hours; they
// keep every constraint and spread over the same organisations as the traffic.
// Event payloads are alike, and chain hashes are of the right form and no more.

import { connect } from "@openagents/postgres";
import { rowOf, type Row } from "./report.ts";
import { commandRate, readRate, say, type Bench } from "./rows.ts";
import { ORGS, readingRuns, reserving, reservingForRun } from "./traffic.ts";
import type { Figures } from "./load.ts";

const RUNS = 100_000;
const EVENTS_PER_RUN = 100;
const RECEIPTS = 1_000_000;

const CLIENTS = 16;

const KINDS: readonly (readonly [string, (bench: Bench) => Promise<Figures>])[] = [
  ["batchable command", (bench) => commandRate(bench, CLIENTS, reserving)],
  ["never batched command", (bench) => commandRate(bench, CLIENTS, reservingForRun)],
  ["read of a run by id", (bench) => readRate(bench, CLIENTS, readingRuns)],
];

/** Measure on the database as it is, fill it, and measure again. */
export async function measureLargeDatabase(bench: Bench, adminUrl: string): Promise<Row[]> {
  const before = await measureKinds(bench);
  await fill(bench, adminUrl);
  const after = await measureKinds(bench);
  return KINDS.map(([path], kind) =>
    rowOf(
      {
        path: `${path}, 10 million events, 1 million receipts`,
        clients: CLIENTS,
        beside: "before they were there",
        bar: 0.9,
      },
      (after[kind] ?? []).map((ours, round) => ({ ours, beside: before[kind]?.[round]?.perSecond })),
    ),
  );
}

async function measureKinds(bench: Bench): Promise<Figures[][]> {
  const figures: Figures[][] = KINDS.map(() => []);
  for (let round = 0; round < bench.rounds; round += 1) {
    for (const [kind, [, rate]] of KINDS.entries()) figures[kind]?.push(await rate(bench));
  }
  return figures;
}

async function fill(bench: Bench, adminUrl: string): Promise<void> {
  const url = new URL(adminUrl);
  url.pathname = `/openagents_runtime_${bench.server.ready.localId}`;
  const startedAt = performance.now();
  const db = connect({ url: url.href, applicationName: "bench", statementTimeoutMs: 0 });
  await db.transaction(async (tx) => {
    // The rows refer to what is there by construction; ten million checks of it would take most of the time.
    await tx.query({ name: "", text: "SET LOCAL session_replication_role = replica" });
    for (const text of fillStatements()) await tx.query({ name: "", text });
  });
  for (const text of ["VACUUM ANALYZE", "CHECKPOINT"]) await db.query({ name: "", text });
  await db.close();
  say(`filled by SQL in ${((performance.now() - startedAt) / 1000).toFixed(0)} s`);
}

function fillStatements(): string[] {
  return [
    `INSERT INTO runtime.runs (run_id, org, created_by, status, metadata, nonce, latest_seq, trajectory_hash, created_at_ms, updated_at_ms)
     SELECT 'run_' || lpad(to_hex(n), 32, '0'), 'org_bench' || n % ${ORGS}, 'usr_bench' || n % ${ORGS}, 'succeeded', '{}',
            md5(n::text), ${EVENTS_PER_RUN}, repeat(md5(n::text), 2), n, n
       FROM generate_series(1, ${RUNS}) AS n`,
    `INSERT INTO runtime.run_events (run_id, seq, event_type, payload, payload_hash, chain_hash, recorded_at_ms)
     SELECT 'run_' || lpad(to_hex(n), 32, '0'), seq, 'tool.output', '{"exit_code":0,"lines":12}',
            'sha256:' || repeat(md5('payload'), 2), repeat(md5(n::text), 2), n
       FROM generate_series(1, ${RUNS}) AS n, generate_series(1, ${EVENTS_PER_RUN}) AS seq`,
    `INSERT INTO authority.receipts (receipt_id, tenant, schema, subject, body, occurred_at_ms)
     SELECT 'bres_' || left(md5(n::text), 24), 'org_bench' || n % ${ORGS}, 'openagents.treasury.budget_reserved.v1',
            'rsv_' || md5(n::text),
            format('{"actor":"usr_bench%s","amount_msats":1,"nonce":"%s","occurred_at":"2026-01-01T00:00:00.000Z","receipt_id":"bres_%s","request_id":"req_%s","reservation_id":"rsv_%s","schema":"openagents.treasury.budget_reserved.v1","tenant":"org_bench%s"}',
                   n % ${ORGS}, md5(n::text), left(md5(n::text), 24), md5(n::text), md5(n::text), n % ${ORGS}), n
       FROM generate_series(1, ${RECEIPTS}) AS n`,
  ];
}
