// The demonstration's order: stack, providers, credit, repository, the run
// itself, and the check of its bundle by someone who has only the bundle.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Demo, RunOutcome, RunRequest } from "@openagents/autopilot";
import { homeFolder, listPins } from "@openagents/stack";
import { claimsExitCode } from "../claims.ts";
import { EXIT } from "../cli-error.ts";
import type { Context } from "../context.ts";
import {
  clientOf,
  openCredit,
  openPlace,
  openProviders,
  stepOf,
  stopPlace,
  waitForUsers,
  type Place,
  type PlaceOptions,
} from "../place/index.ts";
import { isVerified, runDeps, showRun } from "../runs/index.ts";
import type { StepList, Style } from "../terminal/index.ts";
import type { DemoReport } from "./report.ts";
import { watchRun } from "./watch-run.ts";

export type DemoSettings = PlaceOptions & { readonly style: Style };

export const DEMO_BUDGET_MSATS = 500_000n;

/** Limits of each command in the sandbox. */
const LIMITS = {
  wallMs: 120_000n,
  cpuMs: 60_000n,
  memoryMib: 1024,
  pids: 128,
  diskMib: 256,
  outputBytes: 1_048_576n,
} as const;

/** What is asked for the demonstration's repository: its recorded session, checked once, bought from two providers. */
export function demoRequest(demo: Demo): RunRequest {
  return {
    repo: demo.repo,
    issue: demo.issue,
    agent: `script:${demo.scriptFile}`,
    checks: demo.checks,
    budgetMsats: DEMO_BUDGET_MSATS,
    attemptsMax: 1,
    secondOpinion: "any",
    layers: false,
    allowScripts: false,
    limits: LIMITS,
  };
}

/** Run the demonstration; throws when a step before the run fails. Nothing that it started is left. */
export async function runDemo(
  context: Context,
  settings: DemoSettings,
  steps: StepList,
): Promise<DemoReport> {
  await using parts = new AsyncDisposableStack();
  const place = await openPlace(context, settings, steps);
  parts.defer(() => stopPlace(place, steps));
  settings.signal.throwIfAborted();

  const providers = await openProviders(context, place, settings, steps);
  parts.defer(() => providers.stop());
  parts.defer(() => waitForUsers(place, settings.signal, steps));
  await openCredit(context, place, DEMO_BUDGET_MSATS, "openagents demo", settings.signal, steps);

  const outcome = await runOnDemoRepository(context, settings, place, steps);
  const bundleHolds = await verifyAsOutsider(context, outcome, steps);
  const ok = outcome.state === "succeeded" && isVerified(outcome) && bundleHolds;
  return { ok, outcome, address: place.stays ? place.record.runtimeUrl : undefined };
}

/** How long an interrupted demonstration takes to give back what is set aside. */
const CANCEL_MS_MAX = 20_000;

async function runOnDemoRepository(
  context: Context,
  settings: DemoSettings,
  place: Place,
  steps: StepList,
): Promise<RunOutcome> {
  const { cancelRun, prepareDemoRepository, runIssue } = await import("@openagents/autopilot");
  const folder = await mkdtemp(join(tmpdir(), "openagents-demo-"));
  try {
    const demo = await prepareDemoRepository(join(folder, "repo"));
    const { agent } = demoRequest(demo);
    const watch = watchRun(context, place, settings.dataDir, steps, settings.style);
    const deps = {
      ...runDeps(context, clientOf(context, place), settings.dataDir, settings.signal),
      onProgress: showRun(steps, settings.style).onProgress,
      onOpen: watch.onOpen,
    };
    // The agent's name says what it is: nobody may take a recording for a mind.
    for (const line of ["", `  issue: ${demo.issue.title}`, `  agent: ${deps.agentOf(agent).name}`])
      steps.line(line);
    const outcome = await runIssue(deps, demoRequest(demo));
    await watch.end();
    if (outcome.state !== "stopped") return outcome;
    // Its repository goes away with the demonstration, so nobody resumes it.
    return await cancelRun({ ...deps, signal: AbortSignal.timeout(CANCEL_MS_MAX) }, outcome.runId);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** With the pinned keys and the folder alone, as anyone could who was sent it. */
async function verifyAsOutsider(context: Context, outcome: RunOutcome, steps: StepList): Promise<boolean> {
  const { bundleDir } = outcome;
  if (bundleDir === undefined) return false;
  return stepOf(steps, "check", "the bundle, offline", async (step) => {
    const { verifyBundle } = await import("@openagents/autopilot");
    const operatorKeys = listPins(homeFolder(context.env)).map((pin) => pin.publicKey);
    const { claims } = await verifyBundle(bundleDir, { operatorKeys });
    const holds = claims.filter((claim) => claim.state === "holds").length;
    if (claimsExitCode(claims) === EXIT.ok) {
      step.done(`${holds} claims of the bundle hold, none fails`);
      return true;
    }
    const wrong =
      claims.find((claim) => claim.state === "fails") ?? claims.find((claim) => claim.name === "signer");
    step.failed(wrong === undefined ? "the bundle makes no claim" : `${wrong.name}: ${wrong.detail}`);
    return false;
  });
}
