// Phase 0, from an issue to a verified pull request and what can go wrong on the
// way: boots a stack, plays the vignettes over HTTP, judges them by what is on
// record, and writes it all down. Exits 1 when anything is not as it must be.
//
//   main.ts [--out DIR]     output/vignettes/phase0/<time> when absent

import { join } from "node:path";
import { parseArgs } from "node:util";
import { dispatchRetry } from "./dispatch-retry.ts";
import { emergencyDisable } from "./emergency-disable.ts";
import { gatherEvidence, happeningOfEvent, happeningOfReceipt } from "./evidence.ts";
import { happyPath } from "./happy-path.ts";
import { computeMetrics, jobRecords, type CapProbe } from "./metrics.ts";
import { firstMissing, milestonesOf } from "./milestones.ts";
import type { Replay } from "./replaying-fetch.ts";
import { isOk, writeReport, type Played, type Report } from "./report.ts";
import { openStage, type Stage } from "./stage.ts";
import { verificationFails } from "./verification-fails.ts";
import type { Cast, Vignette } from "./vignette.ts";

const VIGNETTES = [happyPath, dispatchRetry, verificationFails, emergencyDisable];

const NOT_COVERED = [
  "a provider that goes offline in the middle of a job, and the one that takes over",
  "a reservation that is stuck, and is reconciled",
  "the bridge's signed Nostr events",
];

const WALL_MS_MAX = 600_000;

const say = (line: string) => process.stdout.write(`${line}\n`);

const root = join(import.meta.dirname, "../../..");
const startedAt = new Date().toISOString();
const { out = join(root, "output/vignettes/phase0", startedAt.replaceAll(":", "")) } = parseArgs({
  options: { out: { type: "string" } },
}).values;

const interrupted = new AbortController();
for (const name of ["SIGINT", "SIGTERM"] as const) {
  process.once(name, () => interrupted.abort(new Error(`ended by ${name}`)));
}
const signal = AbortSignal.any([interrupted.signal, AbortSignal.timeout(WALL_MS_MAX)]);

const report = await playAll();
await writeReport(out, report);
for (const name of NOT_COVERED) say(`– not covered yet: ${name}`);
say(`${isOk(report) ? "holds" : "does not hold"}: ${join(out, "SUMMARY.md")}`);
process.exitCode = isOk(report) ? 0 : 1;

async function playAll(): Promise<Report> {
  await using parts = new AsyncDisposableStack();
  let replays: Replay[] = [];
  const stage = await openStage(parts, signal, (replay) => replays.push(replay));
  const capProbes: CapProbe[] = [];
  const played: Played[] = [];
  for (const vignette of VIGNETTES) {
    replays = [];
    const one = await play(stage, vignette, capProbes, () => replays);
    played.push(one);
    say(`${one.failures.length === 0 ? "✓" : "✗"} ${one.name}  ${(one.wallMs / 1000).toFixed(1)} s`);
    for (const failure of one.failures) say(`    ${failure}`);
  }
  const jobs = played
    .flatMap(({ evidence }) => evidence.runs)
    .flatMap(({ runId, events }) => jobRecords(runId, events.map(happeningOfEvent)));
  return { startedAt, played, metrics: computeMetrics(jobs, capProbes), notCovered: NOT_COVERED };
}

async function play(
  stage: Stage,
  vignette: Vignette,
  capProbes: CapProbe[],
  replaysSoFar: () => readonly Replay[],
): Promise<Played> {
  const { name, shows, expected } = vignette;
  const cast: Cast = { runIds: [], workers: [], capProbes };
  const startedMs = performance.now();
  const failures: string[] = [];
  try {
    await vignette.play(stage, cast);
  } catch (cause) {
    signal.throwIfAborted();
    failures.push(cause instanceof Error ? cause.message : String(cause));
  }
  const evidence = await gatherEvidence(stage, cast);
  const milestones = milestonesOf(
    evidence.workerReceipts.map(happeningOfReceipt),
    evidence.runs[0]?.events.map(happeningOfEvent) ?? [],
  );
  const missing = firstMissing(milestones, expected);
  if (missing !== undefined) failures.push(`${missing} is not in its place: ${milestones.join(", ")}`);
  failures.push(...evidence.faults);
  const replays = replaysSoFar();
  for (const { command, problem } of replays)
    if (problem !== undefined) failures.push(`${command}, sent again, ${problem}`);
  if (replays.length === 0) failures.push("no command was sent again");
  const wallMs = Math.round(performance.now() - startedMs);
  return { name, shows, expected, milestones, failures, commandsReplayed: replays.length, wallMs, evidence };
}
