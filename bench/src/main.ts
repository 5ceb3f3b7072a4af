// Measures the bars of the authority's path (spec 2.6) in one run beside what
// they are measured by, and prints ratios: absolute figures mean little on a
// machine that others share. Never a gate.
//
//   main.ts [--json] [--seconds N] [--rounds N] [--full]
//   main.ts sync [--json] [--seconds N]      the sync lane instead (spec 5.4)
//   main.ts sync [--json] --minutes N        its memory under that load
//   main.ts control [--json] [--seconds N]   the edge of control, while people sign in

import { mkdtempSync, rmSync } from "node:fs";
import { cpus, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { startEmbeddedPostgres } from "@openagents/postgres";
import { measureControl } from "./control.ts";
import { measureLargeDatabase } from "./large-database.ts";
import { preparePgbench } from "./pgbench.ts";
import { startProgram } from "./program.ts";
import { report, reportSync } from "./report.ts";
import { measureRows, say, type Bench, type ServerReady } from "./rows.ts";
import { measureSync, measureSyncMemory } from "./sync.ts";

const { values: options, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: "boolean", default: false },
    full: { type: "boolean", default: false },
    seconds: { type: "string", default: "5" },
    rounds: { type: "string", default: "3" },
    minutes: { type: "string" },
  },
});
const seconds = Number(options.seconds);
const rounds = Number(options.rounds);
// A row must end before its access tokens do, after ten minutes.
if (!(seconds >= 1 && seconds <= 30 && Number.isInteger(rounds) && rounds >= 1 && rounds <= 5)) {
  process.stderr.write("bench: --seconds takes 1 to 30, --rounds 1 to 5\n");
  process.exit(2);
}
const minutes = options.minutes === undefined ? undefined : Number(options.minutes);
const isSync = positionals[0] === "sync";
if (minutes !== undefined && !(isSync && Number.isInteger(minutes) && minutes >= 1 && minutes <= 60)) {
  process.stderr.write("bench: --minutes takes 1 to 60, and is for `bench sync`\n");
  process.exit(2);
}

const folder = mkdtempSync(join(tmpdir(), "oa-bench-"));
await using parts = new AsyncDisposableStack();
parts.defer(() => rmSync(folder, { recursive: true, force: true }));
const postgres = await startEmbeddedPostgres({ dataDir: join(folder, "postgres") });
parts.defer(() => postgres.stop());
const { adminUrl } = postgres;
const machine = `${cpus().length} processors, ${cpus()[0]?.model ?? "unknown"}`;
if (isSync) {
  say(`bench: ${machine}`);
  if (minutes === undefined)
    reportSync(await measureSync(adminUrl, seconds, say), { machine, seconds }, options.json);
  else reportSync(await measureSyncMemory(adminUrl, minutes, say), { machine, minutes }, options.json);
  await parts.disposeAsync();
  process.exit(0);
}
if (positionals[0] === "control") {
  say(`bench: ${machine}`);
  reportSync(await measureControl(adminUrl, seconds, say), { machine, seconds }, options.json);
  await parts.disposeAsync();
  process.exit(0);
}
const stackDir = join(folder, "stack");
const server = await startProgram<ServerReady>("server.ts", [stackDir, adminUrl]);
parts.defer(() => server.stop());
const inProcess = await startProgram("in-process.ts", [adminUrl]);
parts.defer(() => inProcess.stop());
const bare = await startProgram<{ url: string }>("bare.ts", []);
parts.defer(() => bare.stop());

say(`bench: ${machine}; ${rounds} rounds of ${seconds} s each`);
const pgbench = await preparePgbench(adminUrl);
if (pgbench === undefined)
  say("pgbench is not installed (Debian: apt-get install postgresql-15): no ratios to it");
const bench: Bench = { seconds, rounds, stackDir, pgbench, server, inProcess, bare };
const rows = await measureRows(bench);
if (options.full) rows.push(...(await measureLargeDatabase(bench, adminUrl, folder)));
const memory = server.memory();
say(`memory of the service: ${memory.residentMb.toFixed(0)} MB now, ${memory.peakMb.toFixed(0)} MB at most`);
report(
  rows,
  { machine, seconds, rounds, resident_mb: memory.residentMb, peak_mb: memory.peakMb },
  options.json,
);
