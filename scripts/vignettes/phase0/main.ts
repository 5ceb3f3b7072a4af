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
import { firstMissing, milestonesOf, type Milestone } from "./milestones.ts";
import { providerOffline } from "./provider-offline.ts";
import type { Replay } from "./replaying-fetch.ts";
import { isOk, writeReport, type Played, type Report } from "./report.ts";
import { openStage, stageOfAnother, type Stage } from "./stage.ts";
import { stuckReservation } from "./stuck-reservation.ts";
import { readTelemetry } from "./telemetry.ts";
import { verificationFails } from "./verification-fails.ts";
import type { Cast, Vignette } from "./vignette.ts";

const VIGNETTES = [
  happyPath,
  dispatchRetry,
  verificationFails,
  emergencyDisable,
  providerOffline,
  stuckReservation,
];

const NOT_COVERED = ["the bridge: provider ads and receipt pointers as signed Nostr events"];

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

type Scene = {
  readonly vignette: Vignette;
  readonly stage: Stage;
  readonly cast: Cast;
  readonly failures: string[];
  readonly replays: Replay[];
  wallMs: number;
};

async function playAll(): Promise<Report> {
  await using parts = new AsyncDisposableStack();
  let told: Replay[] = [];
  const stage = await openStage(parts, signal, (replay) => told.push(replay));
  const capProbes: CapProbe[] = [];
  const scenes: Scene[] = [];
  for (const vignette of VIGNETTES) {
    const own = vignette.begin === undefined ? stage : await stageOfAnother(stage, "forgetful");
    const cast = { runIds: [], workers: [], capProbes };
    scenes.push({ vignette, stage: own, cast, failures: [], replays: [], wallMs: 0 });
  }
  const act = async (scene: Scene, part: "begin" | "play") => {
    told = scene.replays;
    const startedMs = performance.now();
    try {
      await scene.vignette[part]?.(scene.stage, scene.cast);
    } catch (cause) {
      signal.throwIfAborted();
      scene.failures.push(cause instanceof Error ? cause.message : String(cause));
    }
    scene.wallMs += Math.round(performance.now() - startedMs);
  };
  for (const scene of scenes) await act(scene, "begin");
  const played: Played[] = [];
  for (const scene of scenes) {
    if (scene.failures.length === 0) await act(scene, "play");
    const one = await judge(scene);
    played.push(one);
    say(`${one.failures.length === 0 ? "✓" : "✗"} ${one.name}  ${(one.wallMs / 1000).toFixed(1)} s`);
    for (const failure of one.failures) say(`    ${failure}`);
  }
  const jobs = played
    .flatMap(({ evidence }) => evidence.runs)
    .flatMap(({ runId, events }) => jobRecords(runId, events.map(happeningOfEvent)));
  const buyers = [...new Set(scenes.map((scene) => scene.stage.buyer))];
  const telemetry = await readTelemetry(buyers, jobs, signal);
  return { startedAt, played, metrics: computeMetrics(jobs, capProbes), telemetry, notCovered: NOT_COVERED };
}

/** Hold what is on record against what the vignette says. */
async function judge({ vignette, stage, cast, failures, replays, wallMs }: Scene): Promise<Played> {
  const { name, shows, expected, expectedOfOthers = [] } = vignette;
  const evidence = await gatherEvidence(stage, cast);
  const workers = evidence.workerReceipts.map(happeningOfReceipt);
  const [first, ...others] = evidence.runs.map(({ events }) => events.map(happeningOfEvent));
  const milestones = milestonesOf(workers, first ?? []);
  const all = [...failures];
  const expect = (happened: readonly Milestone[], wanted: readonly Milestone[]) => {
    const missing = firstMissing(happened, wanted);
    if (missing !== undefined) all.push(`${missing} is not in its place: ${happened.join(", ")}`);
  };
  expect(milestones, expected);
  for (const events of others) expect(milestonesOf([], events), expectedOfOthers);
  all.push(...evidence.faults);
  for (const { command, problem } of replays)
    if (problem !== undefined) all.push(`${command}, sent again, ${problem}`);
  if (replays.length === 0) all.push("no command was sent again");
  return {
    name,
    shows,
    expected,
    milestones,
    failures: all,
    commandsReplayed: replays.length,
    wallMs,
    evidence,
  };
}
