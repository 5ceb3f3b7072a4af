// The demonstration's order: stack, providers, credit, repository, the run
// itself, and the check of its bundle by someone who has only the bundle.

import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Progress, RunOutcome } from "@openagents/autopilot";
import {
  dataDirAt,
  homeFolder,
  listPins,
  localOwner,
  openStackLog,
  ensureLocalProviders,
  tokenSource,
} from "@openagents/stack";
import { claimsExitCode } from "../claims.ts";
import { EXIT } from "../cli-error.ts";
import type { Context } from "../context.ts";
import { formatSats, type Step, type StepList } from "../terminal/index.ts";
import { openPlace, type Place, type PlaceOptions } from "./place.ts";
import type { DemoReport } from "./report.ts";

export type DemoSettings = PlaceOptions;

const GRANT_MSATS = 1_000_000n;
const BUDGET_MSATS = 500_000n;

/** Limits of each command in the sandbox. */
const LIMITS = {
  wallMs: 120_000n,
  cpuMs: 60_000n,
  memoryMib: 1024,
  pids: 128,
  diskMib: 256,
  outputBytes: 1_048_576n,
} as const;

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

  const providers = await stepOf(steps, "providers", "in their sandboxes", async (step) => {
    const started = await ensureLocalProviders({
      dataDir: dataDirAt(settings.dataDir),
      keys: place.keys,
      runtimeUrl: place.record.runtimeUrl,
      log: openStackLog(settings.dataDir),
      nowMs: context.nowMs,
      signal: settings.signal,
    });
    const market = started.providers.filter((provider) => provider.role === "market");
    const offers = market.map((offer) => `${offer.displayName} ${formatSats(offer.priceMsats)}`);
    const helpers = "this computer and the operator's reserve for second opinions";
    step.done(
      [`${offers.join(", ")}; ${helpers}`, started.sandbox].filter((part) => part !== undefined).join("; "),
    );
    return started;
  });
  parts.defer(() => providers.stop());

  await stepOf(steps, "credit", "", async (step) => {
    const { Treasury, createClient } = await import("@openagents/contracts");
    const treasury = createClient(Treasury, clientOf(context, place));
    const grant = await treasury.grantDemoCredit(
      { amountMsats: GRANT_MSATS, memo: "openagents demo" },
      { signal: settings.signal },
    );
    step.done(`${formatSats(grant.amountMsats)} demo credit, ${formatSats(grant.availableMsats)} available`);
  });

  const outcome = await runOnDemoRepository(context, settings, place, steps);
  const bundleHolds = await verifyAsOutsider(context, outcome, steps);
  const ok =
    outcome.status === "succeeded" &&
    outcome.verdict === "proven" &&
    outcome.settlementStatus === "released" &&
    bundleHolds;
  return { ok, outcome, address: place.stays ? place.record.runtimeUrl : undefined };
}

async function runOnDemoRepository(
  context: Context,
  settings: DemoSettings,
  place: Place,
  steps: StepList,
): Promise<RunOutcome> {
  const { prepareDemoRepository, runIssue } = await import("@openagents/autopilot");
  const { scriptedAgent } = await import("@openagents/agent");
  const folder = await mkdtemp(join(tmpdir(), "openagents-demo-"));
  try {
    const demo = await prepareDemoRepository(join(folder, "repo"));
    const agent = scriptedAgent(demo.scriptFile);
    // The agent's name says what it is: nobody may take a recording for a mind.
    for (const line of ["", `  issue: ${demo.issue.title}`, `  agent: ${agent.name}`]) steps.line(line);
    return await runIssue({
      client: clientOf(context, place),
      repo: demo.repo,
      issue: demo.issue,
      agent,
      checks: demo.checks,
      toolchains: demo.toolchains,
      budgetMsats: BUDGET_MSATS,
      limits: LIMITS,
      sessionsDir: dataDirAt(settings.dataDir).sessions,
      signal: settings.signal,
      onProgress: progressTo(steps),
    });
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

/** Show the run's own steps among ours, its amounts in sats. */
function progressTo(steps: StepList): (progress: Progress) => void {
  let step: Step | undefined;
  return ({ step: name, state, detail: text }) => {
    const detail = inSats(text);
    switch (state) {
      case "started":
        step = steps.start(name, detail);
        return;
      case "updated":
        step?.update(detail);
        return;
      case "done":
        step?.done(detail);
        return;
      case "failed":
        step?.failed(detail);
    }
  };
}

/** The run tells amounts in msats; a person reads sats. */
function inSats(text: string): string {
  return text.replace(/\b(\d{1,16}) msats\b/g, (_, msats: string) => formatSats(BigInt(msats)));
}

async function stopPlace(place: Place, steps: StepList): Promise<void> {
  if (place.stays) return;
  await stepOf(steps, "stop", "", async (step) => {
    await place.stop();
    step.done("stack and database");
  });
}

async function stepOf<T>(
  steps: StepList,
  name: string,
  detail: string,
  work: (step: Step) => Promise<T>,
): Promise<T> {
  const step = steps.start(name, detail);
  try {
    return await work(step);
  } catch (error) {
    // What went wrong is said once, at the end.
    step.failed("");
    throw error;
  }
}

function clientOf(context: Context, place: Place) {
  return {
    baseUrl: place.record.runtimeUrl,
    token: tokenSource(place.keys, localOwner(place.keys), context.nowMs),
  };
}
