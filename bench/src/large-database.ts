// What a large database costs: the same rates with ten million events and a
// million receipts stored as on an empty one, in turns, and the memory of the
// service that serves them.

import { join } from "node:path";
import { connect } from "@openagents/postgres";
import { EVENTS, RECEIPTS, fill } from "./fill.ts";
import type { Figures } from "./load.ts";
import { startProgram, type Program } from "./program.ts";
import { rowOf, type Pair, type Row } from "./report.ts";
import { commandRate, readRate, say, type Bench, type ServerReady } from "./rows.ts";
import { readingReceipts, readingRuns, reserving, reservingForRun } from "./traffic.ts";

const CLIENTS = 16;

const KINDS: readonly (readonly [string, (bench: Bench) => Promise<Figures>])[] = [
  ["batchable command", (bench) => commandRate(bench, CLIENTS, reserving)],
  ["never batched command", (bench) => commandRate(bench, CLIENTS, reservingForRun)],
  ["read of a run by id", (bench) => readRate(bench, CLIENTS, readingRuns)],
  ["read of a receipt by id, signed", (bench) => readRate(bench, CLIENTS, readingReceipts)],
];

/** Two stacks beside each other on one server, one of them filled first. `folder` is the bench's own. */
export async function measureLargeDatabase(bench: Bench, adminUrl: string, folder: string): Promise<Row[]> {
  await using parts = new AsyncDisposableStack();
  const open = async (name: string) => {
    const stackDir = join(folder, name);
    const server = await startProgram<ServerReady>("server.ts", [stackDir, adminUrl]);
    parts.defer(() => server.stop());
    return { ...bench, stackDir, server };
  };
  const empty = await open("empty");
  // Once, for its schema; while the tables are filled, nobody looks at them.
  const { server } = await open("large");
  await server.stop();
  await fillDatabase(databaseUrl(adminUrl, server));
  const large = await open("large");
  await awaitLog(databaseUrl(adminUrl, large.server));

  const pairs: Pair[][] = KINDS.map(() => []);
  for (let round = 0; round < bench.rounds; round += 1) {
    for (const [kind, [path, rate]] of KINDS.entries()) {
      const early = round % 2 === 0 ? await rate(empty) : undefined;
      const ours = await rate(large);
      const { perSecond } = early ?? (await rate(empty));
      pairs[kind]?.push({ ours, beside: perSecond });
      say(`  ${path}, round ${round + 1}: ${ours.perSecond.toFixed(0)}/s beside ${perSecond.toFixed(0)}/s`);
    }
  }
  const { residentMb, peakMb } = large.server.memory();
  say(
    `memory of the service on the large database: ${residentMb.toFixed(0)} MB now, ${peakMb.toFixed(0)} MB at most`,
  );
  return KINDS.map(([path], kind) =>
    rowOf(
      {
        path: `${path}, ${EVENTS / 1e6} million events, ${RECEIPTS / 1e6} million receipts`,
        clients: CLIENTS,
        beside: "an empty database",
        bar: 0.9,
      },
      pairs[kind] ?? [],
    ),
  );
}

async function fillDatabase(url: string): Promise<void> {
  const startedAt = performance.now();
  const passed = () => `${((performance.now() - startedAt) / 1000).toFixed(0)} s`;
  say("filling by SQL, not by commands");
  await fill(url, (line) => say(`  ${line} (${passed()})`));
  say(`filled in ${passed()}`);
}

/** The service takes the receipts into its log by itself; measured is what comes after. */
async function awaitLog(url: string): Promise<void> {
  const startedAt = performance.now();
  const db = connect({ url, applicationName: "bench", connectionsMax: 1 });
  try {
    for (let size = 0n, told = 0n; size < RECEIPTS;) {
      const [head] = await db.query<{ size: bigint }>({
        name: "",
        text: "SELECT size FROM transparency.heads ORDER BY size DESC LIMIT 1",
      });
      size = head?.size ?? 0n;
      if (size - told >= RECEIPTS / 10 || size >= RECEIPTS) {
        told = size;
        const seconds = (performance.now() - startedAt) / 1000;
        say(
          `  the log took up ${size.toLocaleString("en")} receipts, by its own sequencer (${seconds.toFixed(0)} s)`,
        );
      }
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
    await db.query({ name: "", text: "SELECT 1" });
  } finally {
    await db.close();
  }
}

function databaseUrl(adminUrl: string, server: Program<ServerReady>): string {
  const url = new URL(adminUrl);
  url.pathname = `/openagents_runtime_${server.ready.localId}`;
  return url.href;
}
