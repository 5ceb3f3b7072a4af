// Bundles of recorded runs, with results that are made up or come from a sandbox.

import { join } from "node:path";
import type { TestContext } from "node:test";
import type { Leg } from "@openagents/contracts";
import { writeBundle } from "../src/bundle/index.ts";
import type { LegPlan, LegRun } from "../src/legs/index.ts";
import { createRecorder, type RecordedAttempt, type Recorder } from "./recorded-run.ts";
import { FIXED, planOf, smallJob } from "./small-project.ts";
import { temporaryFolder } from "./temporary-folder.ts";

export type Exits = { readonly base: number; readonly patched: number; readonly guard?: number };

/** What a provider would hand in whose legs ended so. */
export function madeUpLegs(plan: LegPlan, commands: readonly string[], exits: Exits, says = "x"): LegRun[] {
  const leg = (name: Leg, tree: string, exitCode: number): LegRun => {
    const stdout = Buffer.from(`${says}: ${name} exits ${exitCode}\n`);
    const outcome = { exitCode, startedAtMs: 0, durationMs: 1, stdout, stderr: Buffer.from(`${name}\n`) };
    return { leg: name, tree, commands: commands.map((command) => ({ command, ...outcome })) };
  };
  const legs = [leg("base", plan.baseTree, exits.base), leg("patched", plan.patchedTree, exits.patched)];
  if (plan.guard.kind === "needed") legs.push(leg("guard", plan.guard.tree, exits.guard ?? 0));
  return legs;
}

export async function bundleOf(
  t: TestContext,
  attempts: readonly RecordedAttempt[],
  options: { readonly inHand?: Buffer; readonly prepare?: (recorder: Recorder) => void } = {},
): Promise<{ readonly bundleDir: string; readonly recorder: Recorder }> {
  const recorder = createRecorder();
  for (const attempt of attempts) recorder.recordAttempt(attempt);
  recorder.finish("succeeded");
  options.prepare?.(recorder);
  const last = attempts.at(-1)?.job;
  const bundleDir = await writeBundle({
    clients: recorder.clients,
    runId: recorder.runId,
    sessionsDir: join(await temporaryFolder(t), "sessions"),
    patch: options.inHand ?? last?.patch,
    baseBundle: last?.bundle,
    summary: {
      issue: { title: "sum is wrong", body: "It subtracts." },
      agentName: "scripted",
      checks: ["node --test"],
      problem: undefined,
    },
    signal: new AbortController().signal,
  });
  return { bundleDir, recorder };
}

/** A patch of source alone by exit code, with a second run that agrees. */
export async function provenAttempt(t: TestContext): Promise<RecordedAttempt> {
  const job = await smallJob(t, { "src/sum.js": FIXED }, { byTests: false });
  const plan = await planOf(t, job);
  const exits = { base: 1, patched: 0 };
  const second = madeUpLegs(plan, job.spec.commands, exits, "second");
  return { job, plan, legs: madeUpLegs(plan, job.spec.commands, exits), second };
}

export async function provenBundle(t: TestContext): Promise<{ readonly bundleDir: string }> {
  return bundleOf(t, [await provenAttempt(t)]);
}
