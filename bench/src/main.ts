// Measures the authority's path beside pgbench in one run, and prints ratios:
// absolute figures mean little on a machine that others share. Never a gate.
//
//   main.ts [--json] [--seconds N] [--rounds N]

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { parseArgs } from "node:util";
import { startEmbeddedPostgres } from "@openagents/postgres";
import { dataDirAt, loadKeys, mintToken } from "@openagents/stack";
import { measure, median, type Figures, type Request } from "./load.ts";
import { preparePgbench, type Pgbench } from "./pgbench.ts";

const RESERVE = "/internal/v1/treasury/compute/reserve";
const GRANT = "/internal/v1/treasury/demo-grants";
const ORGS = 200;

type Row = {
  readonly path: string;
  readonly clients: number;
  readonly perSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  readonly beside: string;
  readonly besidePerSecond: number | null;
  /** Median over rounds of ours ÷ beside; null where there is nothing beside. */
  readonly ratio: number | null;
  readonly bar: number;
};

const { values: options } = parseArgs({
  options: {
    json: { type: "boolean", default: false },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
  },
});
const seconds = Number(options.seconds);
const rounds = Number(options.rounds);
// A row must end before its access tokens do, after ten minutes.
if (!(seconds >= 1 && seconds <= 30 && Number.isInteger(rounds) && rounds >= 1 && rounds <= 5)) {
  process.stderr.write("bench: --seconds takes 1 to 30, --rounds 1 to 5\n");
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "oa-bench-"));
const postgres = await startEmbeddedPostgres({ dataDir: join(folder, "postgres") });
const dataDir = join(folder, "stack");
const server = spawn(process.execPath, [join(import.meta.dirname, "server.ts"), dataDir, postgres.adminUrl], {
  stdio: ["ignore", "pipe", "inherit"],
});
try {
  const url = await addressOf(server);
  say(
    `bench: ${cpus().length} processors, ${cpus()[0]?.model ?? "unknown"}; ${rounds} rounds of ${seconds} s each`,
  );
  const pgbench = await preparePgbench(postgres.adminUrl);
  if (pgbench === undefined)
    say("pgbench is not installed (Debian: apt-get install postgresql-15): no ratios to it");
  const rows = await measureRows(url, dataDir, pgbench);
  report(rows);
} finally {
  if (server.exitCode === null && server.kill("SIGTERM")) await once(server, "exit");
  await postgres.stop();
  rmSync(folder, { recursive: true, force: true });
}

async function measureRows(url: string, stackDir: string, pgbench: Pgbench | undefined): Promise<Row[]> {
  for (const token of await orgTokens(stackDir)) await grant(url, token);
  const reserve =
    (tokens: readonly string[], run: string) =>
    (client: number, n: number): Request => {
      // Any organisation, so that no account is hot.
      const token = tokens[Math.floor(Math.random() * tokens.length)] ?? "";
      return { path: RESERVE, headers: headers(token, `${run}-${client}-${n}`), body: '{"amount_msats":1}' };
    };
  const rows: Row[] = [];
  for (const clients of [16, 64]) {
    const tokens = await orgTokens(stackDir);
    const pairs: { ours: Figures; beside: number | undefined }[] = [];
    for (let round = 0; round < rounds; round += 1) {
      const beside = await pgbench?.tps(clients, seconds);
      const next = reserve(tokens, `r${clients}-${round}`);
      const ours = await measure({ url, clients, seconds, expectedStatus: 201, next });
      pairs.push({ ours, beside });
      say(
        `  ${clients} clients, round ${round + 1}: ${ours.perSecond.toFixed(0)}/s beside pgbench ${beside?.toFixed(0) ?? "–"}/s`,
      );
    }
    rows.push(rowOf("one authority command over HTTP", clients, pairs, "pgbench TPC-B-like", 1));
  }
  rows.push(await measureReplay(url, await orgTokens(stackDir)));
  return rows;
}

/** First executions of 16 clients, then the same requests again. */
async function measureReplay(url: string, tokens: readonly string[]): Promise<Row> {
  const clients = 16;
  const pairs: { ours: Figures; beside: number }[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const counts = new Map<number, number>();
    const request = (client: number, n: number): Request => ({
      path: RESERVE,
      headers: headers(tokens[(client * 7 + n) % tokens.length] ?? "", `p${round}-${client}-${n}`),
      body: '{"amount_msats":1}',
    });
    const first = await measure({
      url,
      clients,
      seconds,
      expectedStatus: 201,
      next: (client, n) => {
        counts.set(client, n);
        return request(client, n);
      },
    });
    const again = await measure({
      url,
      clients,
      seconds,
      expectedStatus: 201,
      next: (client, n) => request(client, n % Math.max(1, counts.get(client) ?? 1)),
    });
    pairs.push({ ours: again, beside: first.perSecond });
    say(
      `  replay, round ${round + 1}: ${again.perSecond.toFixed(0)}/s beside first executions ${first.perSecond.toFixed(0)}/s`,
    );
  }
  return rowOf("replay of a finished key", clients, pairs, "its first execution", 2);
}

function rowOf(
  path: string,
  clients: number,
  pairs: readonly { readonly ours: Figures; readonly beside: number | undefined }[],
  beside: string,
  bar: number,
): Row {
  const ratios = pairs.flatMap((pair) =>
    pair.beside === undefined ? [] : [pair.ours.perSecond / pair.beside],
  );
  const besides = pairs.flatMap((pair) => (pair.beside === undefined ? [] : [pair.beside]));
  return {
    path,
    clients,
    perSecond: median(pairs.map((pair) => pair.ours.perSecond)),
    p50Ms: median(pairs.map((pair) => pair.ours.p50Ms)),
    p99Ms: median(pairs.map((pair) => pair.ours.p99Ms)),
    beside,
    besidePerSecond: besides.length === 0 ? null : median(besides),
    ratio: ratios.length === 0 ? null : median(ratios),
    bar,
  };
}

async function orgTokens(stackDir: string): Promise<string[]> {
  const keys = loadKeys(dataDirAt(stackDir));
  const mint = (index: number) =>
    mintToken(keys, { sub: `usr_bench${index}`, org: `org_bench${index}` }, Date.now());
  return Promise.all(Array.from({ length: ORGS }, (_, index) => mint(index)));
}

async function grant(url: string, token: string): Promise<void> {
  const answer = await fetch(url + GRANT, {
    method: "POST",
    headers: headers(token, "grant"),
    body: '{"amount_msats":100000000000,"memo":"bench"}',
  });
  if (answer.status !== 201) throw new Error(`the grant was refused: ${await answer.text()}`);
}

function headers(token: string, key: string): Record<string, string> {
  return { authorization: `Bearer ${token}`, "content-type": "application/json", "idempotency-key": key };
}

async function addressOf(child: ChildProcess): Promise<string> {
  if (child.stdout === null) throw new Error("the server's output is not read");
  const lines = createInterface({ input: child.stdout });
  const failed = once(child, "exit").then(() =>
    Promise.reject(new Error("the server ended before it was ready")),
  );
  const [line] = await Promise.race([once(lines, "line"), failed]);
  failed.catch(() => undefined);
  const { url } = JSON.parse(String(line)) as { url: string };
  return url;
}

function report(rows: readonly Row[]): void {
  const outputs = join(import.meta.dirname, "../../output/bench");
  mkdirSync(outputs, { recursive: true });
  const file = join(outputs, `${new Date().toISOString().replaceAll(":", "-")}.json`);
  const result = { measured_at: new Date().toISOString(), seconds, rounds, rows };
  writeFileSync(file, `${JSON.stringify(result, null, 2)}\n`);
  if (options.json) {
    process.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const table = rows.map((row) => [
    row.path,
    String(row.clients),
    row.perSecond.toFixed(0),
    row.p50Ms.toFixed(1),
    row.p99Ms.toFixed(1),
    row.besidePerSecond === null ? "not measured" : `${row.besidePerSecond.toFixed(0)} (${row.beside})`,
    row.ratio === null ? "–" : `${row.ratio.toFixed(2)} ×`,
    `${row.bar.toFixed(1)} ×`,
    row.ratio === null ? "–" : row.ratio >= row.bar ? "reached" : "not reached",
  ]);
  const head = [
    "path",
    "clients",
    "per second",
    "p50 ms",
    "p99 ms",
    "beside, per second",
    "ratio",
    "bar",
    "",
  ];
  const widths = head.map((title, column) =>
    Math.max(title.length, ...table.map((line) => line[column]?.length ?? 0)),
  );
  process.stdout.write("\n");
  for (const line of [head, ...table]) {
    process.stdout.write(
      `${line
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join("  ")
        .trimEnd()}\n`,
    );
  }
  process.stdout.write(`\n${file}\n`);
}

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}
