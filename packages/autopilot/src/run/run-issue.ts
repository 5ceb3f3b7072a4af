// From an issue to a bundle: one run of Autopilot.
//
// BUY-1  Nothing is reserved above the budget, and nothing dispatched unreserved.
// BUY-2  However a run ends, its money is settled, given back, or named as still open.
// BUY-3  A bundle is written for every run that was opened, also a failed or canceled one.
// BUY-4  The user's checkout is never written to.
// Held by tests/run-issue.test.ts and git.test.ts.

import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { AgentError, type AgentEvent } from "@openagents/agent";
import { ProblemError, type Reservation } from "@openagents/contracts";
import { PatchError, classifyPatch, patchFiles } from "@openagents/proof";
import { AutopilotError } from "../autopilot-error.ts";
import { writeBundle } from "../bundle/index.ts";
import { runtimeClients } from "../clients.ts";
import { pauseFor } from "../pause.ts";
import { trackSteps, type Steps } from "./progress.ts";
import {
  awaitReport,
  closePurchase,
  dispatch,
  quoteWork,
  reserve,
  settle,
  verify,
  type Purchase,
  type Work,
} from "./purchase.ts";
import { bounded, openRunLog, type FinalStatus, type RunLog } from "./run-log.ts";
import { DEFAULT_LIMITS, type RunIssueOptions, type RunOutcome, type RunProblem } from "./run.ts";
import { openWorkspace, type Workspace } from "./workspace.ts";

/** An ending run has this long to close what is open and write its bundle. */
const CLOSING_MS_MAX = 120_000;

/**
 * Run an issue to its bundle. Rejects only when the run could not be opened;
 * afterwards every trouble is in the outcome's `problem`, with the step it came from.
 */
export async function runIssue(options: RunIssueOptions): Promise<RunOutcome> {
  const clients = options.clients ?? runtimeClients(options.client);
  const { run } = await clients.runs.createRun(
    { issue: options.issue, metadata: { agent: options.agent.name, checks: options.checks } },
    { signal: options.signal },
  );
  const deps = { clients, pause: options.pause ?? pauseFor, nowMs: options.nowMs ?? Date.now };
  const closing = { signal: options.signal };
  const session: Session = {
    options,
    runId: run.runId,
    steps: trackSteps((progress) => options.onProgress?.(progress)),
    log: openRunLog(clients.runs, run.runId, () => closing.signal),
    purchase: { deps, runId: run.runId },
    made: {},
  };
  let problem: RunProblem | undefined;
  try {
    await pursue(session);
    problem = judge(session.purchase);
  } catch (cause) {
    problem = problemOf(cause, session);
  }
  closing.signal = AbortSignal.timeout(CLOSING_MS_MAX);
  return close(session, problem, closing.signal);
}

type Session = {
  readonly options: RunIssueOptions;
  readonly runId: string;
  readonly steps: Steps;
  readonly log: RunLog;
  readonly purchase: Purchase;
  /** What the bundle will carry, as far as the run came. */
  readonly made: { baseBundle?: Buffer; patch?: Buffer };
};

/** The steps in their order; the first that fails ends the pursuit. */
async function pursue(session: Session): Promise<void> {
  const { options, steps, purchase } = session;
  const { signal } = options;
  await session.log.append("issue.claimed", { title: options.issue.title, agent: options.agent.name });
  const work = await produceWork(session);

  const quote = await steps.step(
    "quote",
    () => quoteWork(purchase, work, options.budgetMsats, signal),
    (made) =>
      `${made.totalPriceMsats} msats of a budget of ${options.budgetMsats} msats, by ${made.providerWorkerId}`,
  );
  await steps.step(
    "reserve",
    () => reserve(purchase, quote, signal),
    (made) => `${made.amountMsats} msats set aside`,
  );
  const job = await steps.step(
    "job",
    async (say) => awaitReport(purchase, await dispatch(purchase, signal), signal, say),
    (done) =>
      done.failure === undefined
        ? "the provider has reported"
        : `the provider could not: ${done.failure.code}`,
  );
  await steps.step(
    "verify",
    () => verify(purchase, job, signal),
    (made) =>
      `${made.verdict}, base exits ${made.baseExitCode ?? "–"}, patched exits ${made.patchedExitCode ?? "–"}`,
  );
  await steps.step(
    "settle",
    () => settle(purchase, job, signal),
    (made) =>
      made.status === "released"
        ? `${made.providerMsats} msats credited to the provider, ${made.operatorFeeMsats} msats to the operator`
        : `withheld (${made.withheldReason ?? "no reason"}): nothing was credited`,
  );
}

/** Workspace, agent, patch. The workspace is gone afterwards; what the run needs of it is in memory. */
async function produceWork(session: Session): Promise<Work> {
  const { options, steps, made } = session;
  const { signal } = options;
  await using workspace = await steps.step(
    "workspace",
    () => openWorkspace(options.repo, signal),
    ({ base }) => `base ${base.tree.slice(0, 12)} in a folder of its own`,
  );
  made.baseBundle = await readFile(workspace.base.bundleFile);
  await steps.step(
    "agent",
    (say) => letAgentWork(session, workspace, say),
    (summary) => summary,
  );
  const patch = await steps.step("patch", () => takePatch(workspace), describePatch);
  made.patch = patch;
  return {
    base: { commit: workspace.base.commit, tree: workspace.base.tree, bundle: made.baseBundle },
    patch,
    checks: options.checks,
    limits: options.limits ?? DEFAULT_LIMITS,
    toolchains: options.toolchains,
  };
}

async function letAgentWork(
  session: Session,
  workspace: Workspace,
  say: (detail: string) => void,
): Promise<string> {
  const { options, log } = session;
  const outcome = await options.agent.run({
    workspace,
    issue: { title: options.issue.title, body: options.issue.body },
    attempt: 1,
    stateDir: resolve(options.sessionsDir, "..", "agents", session.runId),
    signal: options.signal,
    async onEvent(event) {
      say(wordsOf(event));
      await log.appendAgentEvent(event);
    },
  });
  if (outcome.kind === "gave_up")
    throw new AutopilotError("agent_gave_up", `The agent gave up: ${outcome.reason}`);
  return outcome.summary;
}

function wordsOf(event: AgentEvent): string {
  switch (event.type) {
    case "message":
      return event.text;
    case "tool_call":
      return event.summary;
    case "command":
      return event.command;
    case "approval":
      return `${event.decision === "accept" ? "accepted" : "declined"}: ${event.what}`;
    case "usage":
      return `${event.inputTokens} tokens read, ${event.outputTokens} written`;
    case "file_change":
      return `${event.change} ${event.path}`;
  }
}

async function takePatch(workspace: Workspace): Promise<Buffer> {
  const patch = await workspace.diff();
  if (patch.length === 0)
    throw new AutopilotError("patch_empty", "The agent changed nothing, so there is nothing to check.");
  return patch;
}

function describePatch(patch: Buffer): string {
  const files = patchFiles(patch.toString("utf8"));
  const { testPaths, checkConfigPaths } = classifyPatch(files);
  const notes = [`${files.length} ${files.length === 1 ? "file" : "files"}`];
  if (testPaths.length > 0) notes.push(`${testPaths.length} of them tests`);
  if (checkConfigPaths.length > 0) notes.push(`${checkConfigPaths.length} deciding how the check runs`);
  return notes.join(", ");
}

/** Whether what was bought is what was wanted. */
function judge({ verification, settlement }: Purchase): RunProblem | undefined {
  if (verification?.verdict === "proven" && settlement?.status === "released") return undefined;
  const verdict = verification?.verdict ?? "inconclusive";
  const detail = `The verdict is ${verdict.replaceAll("_", " ")}, so the patch is not proven and nothing was credited.`;
  return { step: "verify", code: `verdict_${verdict}`, detail };
}

function problemOf(cause: unknown, session: Session): RunProblem {
  const step = session.steps.current ?? "workspace";
  if (session.options.signal.aborted) return { step, code: "canceled", detail: "The run was canceled." };
  if (cause instanceof ProblemError) return { step, code: cause.reason ?? cause.code, detail: cause.detail };
  if (cause instanceof AutopilotError || cause instanceof AgentError)
    return { step, code: cause.code, detail: cause.message };
  if (cause instanceof PatchError) {
    return { step, code: cause.code, detail: `The agent's patch is refused: ${cause.message}.` };
  }
  return { step, code: "unexpected", detail: cause instanceof Error ? cause.message : String(cause) };
}

/** Close the purchase, end the run, write its bundle. The first problem stays the run's problem. */
async function close(
  session: Session,
  first: RunProblem | undefined,
  signal: AbortSignal,
): Promise<RunOutcome> {
  const { purchase } = session;
  let problem = first;
  let openReservation: Reservation | undefined;
  let bundleDir: string | undefined;
  const status: FinalStatus =
    first === undefined ? "succeeded" : first.code === "canceled" ? "canceled" : "failed";
  try {
    if (first !== undefined) openReservation = await closePurchase(purchase, signal);
  } catch (cause) {
    // Whether the money is still set aside is not known, so it is named as open.
    openReservation = purchase.reservation;
    problem ??= problemOf(cause, session);
  }
  try {
    bundleDir = await session.steps.step(
      "bundle",
      () => endAndBundle(session, status, first, signal),
      (dir) => dir,
    );
  } catch (cause) {
    problem ??= { ...problemOf(cause, session), step: "bundle" };
  }
  const { verification, settlement, quote } = purchase;
  return {
    runId: session.runId,
    status,
    verdict: verification?.verdict,
    assurance: verification?.assurance,
    proof: verification?.proof,
    baseExitCode: verification?.baseExitCode,
    patchedExitCode: verification?.patchedExitCode,
    providerWorkerId: quote?.providerWorkerId,
    amountMsats: settlement?.providerMsats ?? 0n,
    operatorFeeMsats: settlement?.operatorFeeMsats ?? 0n,
    settlementStatus: settlement?.status,
    bundleDir,
    problem,
    openReservation,
  };
}

async function endAndBundle(
  { options, log, made, runId, purchase }: Session,
  status: FinalStatus,
  problem: RunProblem | undefined,
  signal: AbortSignal,
): Promise<string> {
  const why =
    problem === undefined ? {} : { step: problem.step, code: problem.code, detail: bounded(problem.detail) };
  await log.append("run.finished", { status, ...why });
  return writeBundle({
    clients: purchase.deps.clients,
    runId,
    sessionsDir: options.sessionsDir,
    patch: made.patch,
    baseBundle: made.baseBundle,
    summary: {
      issue: options.issue,
      agentName: options.agent.name,
      checks: options.checks,
      problem: problem?.detail,
    },
    signal,
  });
}
