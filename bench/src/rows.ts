// Every bar of spec 2.6 as a row: ours beside what it is measured by, in turns,
// and in alternating order, so that neither always meets the machine first.

import { measure, requestOf, type Figures } from "./load.ts";
import type { Pgbench } from "./pgbench.ts";
import type { Program } from "./program.ts";
import type { InProcessRun } from "./in-process.ts";
import { rowOf, type Pair, type Row } from "./report.ts";
import {
  loadOrgs,
  ORGS,
  readingReceipts,
  readingRuns,
  repeatable,
  repeatableForRun,
  reserving,
  reservingForRun,
  type Traffic,
} from "./traffic.ts";

export type ServerReady = { readonly url: string; readonly localId: string };

export type Bench = {
  readonly seconds: number;
  readonly rounds: number;
  readonly stackDir: string;
  readonly pgbench: Pgbench | undefined;
  readonly server: Program<ServerReady>;
  readonly inProcess: Program<unknown>;
  readonly bare: Program<{ readonly url: string }>;
};

const PGBENCH = "pgbench TPC-B-like";

/** Callers of the rows about batches. */
const CALLERS = 128;

export async function measureRows(bench: Bench): Promise<Row[]> {
  const rows: Row[] = [];
  for (const clients of [16, 64]) {
    rows.push(await besidePgbench(bench, "one authority command over HTTP", clients, reserving, 1));
  }
  for (const clients of [16, 64]) {
    const path = "the same, of a kind that is never batched";
    rows.push(await besidePgbench(bench, path, clients, reservingForRun, 1));
  }
  rows.push(await batchedInProcess(bench), await hotInProcess(bench));
  const overHttp = "batchable commands over HTTP, random accounts";
  rows.push(await besidePgbench(bench, overHttp, CALLERS, reserving, 2.5), await hotOverHttp(bench));
  rows.push(await replays(bench, "batchable", repeatable));
  rows.push(await replays(bench, "never batched", repeatableForRun));
  rows.push(await reads(bench, "read of a run by id over HTTP", readingRuns, 0.3));
  rows.push(await reads(bench, "read of a receipt by id over HTTP, signed", readingReceipts, null));
  return rows;
}

/** Requests per second of a kind of command, each with a key of its own. */
export async function commandRate(
  bench: Bench,
  clients: number,
  traffic: (orgs: Awaited<ReturnType<typeof loadOrgs>>, run: string) => Traffic,
  orgsMax = ORGS,
): Promise<Figures> {
  const { url } = bench.server.ready;
  const orgs = (await loadOrgs(url, bench.stackDir)).slice(0, orgsMax);
  const next = traffic(orgs, crypto.randomUUID());
  return measure({ url, clients, seconds: bench.seconds, expectedStatus: 201, next });
}

async function besidePgbench(
  bench: Bench,
  path: string,
  clients: number,
  traffic: Parameters<typeof commandRate>[2],
  bar: number,
): Promise<Row> {
  const pairs = await inTurns(
    bench,
    `${path}, ${clients} clients`,
    () => commandRate(bench, clients, traffic),
    () => bench.pgbench?.tps(clients, bench.seconds),
  );
  return rowOf({ path, clients, beside: PGBENCH, bar }, pairs);
}

async function batchedInProcess(bench: Bench): Promise<Row> {
  const path = "batchable commands in process, random accounts";
  const pairs = await inTurns(
    bench,
    path,
    () => inProcessRate(bench, ORGS),
    () => bench.pgbench?.tps(CALLERS, bench.seconds),
  );
  return rowOf({ path, clients: CALLERS, beside: PGBENCH, bar: 4 }, pairs);
}

async function hotInProcess(bench: Bench): Promise<Row> {
  const path = "the same, all on one hot account";
  const pairs = await inTurns(
    bench,
    path,
    () => inProcessRate(bench, 1),
    async () => (await inProcessRate(bench, ORGS)).perSecond,
  );
  return rowOf({ path, clients: CALLERS, beside: "random accounts", bar: 0.8 }, pairs);
}

async function hotOverHttp(bench: Bench): Promise<Row> {
  const path = "the same, all on one hot account";
  const pairs = await inTurns(
    bench,
    path,
    () => commandRate(bench, CALLERS, reserving, 1),
    async () => (await commandRate(bench, CALLERS, reserving)).perSecond,
  );
  return rowOf({ path, clients: CALLERS, beside: "random accounts", bar: 0.8 }, pairs);
}

function inProcessRate(bench: Bench, accounts: number): Promise<Figures> {
  const run: InProcessRun = {
    callers: CALLERS,
    seconds: bench.seconds,
    accounts,
    run: crypto.randomUUID(),
  };
  return bench.inProcess.ask<Figures>(run);
}

/** First executions of 16 clients, then the same requests again. */
async function replays(bench: Bench, kind: string, traffic: typeof repeatable): Promise<Row> {
  const { url } = bench.server.ready;
  const clients = 16;
  const path = `replay of a finished key, ${kind}`;
  const pairs: Pair[] = [];
  for (let round = 0; round < bench.rounds; round += 1) {
    const orgs = await loadOrgs(url, bench.stackDir);
    const next = traffic(orgs, crypto.randomUUID());
    const sent = new Map<number, number>();
    const base = { url, clients, seconds: bench.seconds, expectedStatus: 201 };
    const first = await measure({
      ...base,
      next: (client, n) => {
        sent.set(client, n);
        return next(client, n);
      },
    });
    const ours = await measure({
      ...base,
      next: (client, n) => next(client, n % Math.max(1, sent.get(client) ?? 1)),
    });
    pairs.push({ ours, beside: first.perSecond });
    tell(path, round, ours, first.perSecond);
  }
  return rowOf({ path, clients, beside: "its first execution", bar: 2 }, pairs);
}

async function reads(
  bench: Bench,
  path: string,
  traffic: typeof readingRuns,
  bar: number | null,
): Promise<Row> {
  const clients = 16;
  const { seconds, bare } = bench;
  const pairs = await inTurns(
    bench,
    path,
    () => readRate(bench, clients, traffic),
    async () => {
      const next = (client: number, n: number) => requestOf("GET", `/bare/${client}-${n}`, {});
      const { perSecond } = await measure({
        url: bare.ready.url,
        clients,
        seconds,
        expectedStatus: 200,
        next,
      });
      return perSecond;
    },
  );
  return rowOf({ path, clients, beside: "a bare Fastify JSON reply", bar }, pairs);
}

export async function readRate(bench: Bench, clients: number, traffic: typeof readingRuns): Promise<Figures> {
  const { url } = bench.server.ready;
  const next = traffic(await loadOrgs(url, bench.stackDir));
  return measure({ url, clients, seconds: bench.seconds, expectedStatus: 200, next });
}

async function inTurns(
  bench: Bench,
  path: string,
  ours: () => Promise<Figures>,
  beside: () => Promise<number | undefined> | undefined,
): Promise<Pair[]> {
  const pairs: Pair[] = [];
  for (let round = 0; round < bench.rounds; round += 1) {
    const early = round % 2 === 0 ? await beside() : undefined;
    const figures = await ours();
    const figure = round % 2 === 0 ? early : await beside();
    pairs.push({ ours: figures, beside: figure });
    tell(path, round, figures, figure);
  }
  return pairs;
}

function tell(path: string, round: number, ours: Figures, beside: number | undefined): void {
  say(
    `  ${path}, round ${round + 1}: ${ours.perSecond.toFixed(0)}/s beside ${beside === undefined ? "–" : `${beside.toFixed(0)}/s`}`,
  );
}

export function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
