// From an issue to a bundle and a branch: one run of Autopilot.
//
// BUY-1  Nothing is reserved above what is left of the budget, nothing dispatched unreserved.
// BUY-2  A run that ends has its money settled or given back, or names what is still open
//        and can be closed later; one that stops before its end can be resumed, and spends
//        nothing twice.
// BUY-3  A bundle is written for every run that ended, also a failed or canceled one.
// BUY-4  The user's checkout is never written to, but for one new branch at the end.
// BUY-5  Only who holds the run's lease goes on with it.
// Held by buy-check.test.ts, close-order.test.ts, decide-next.test.ts, executor.test.ts,
// journal.test.ts and workspace.test.ts, and on the real runtime by the end-to-end tests of the command line.

import { randomUUID } from "node:crypto";
import { basename } from "node:path";
import { AgentError } from "@openagents/agent";
import {
  ProblemError,
  type SandboxRunSpec,
  type Settlement,
  type VerificationResult,
} from "@openagents/contracts";
import { CheckConfigError, PatchError } from "@openagents/proof";
import { AutopilotError } from "../autopilot-error.ts";
import { readBaseConfig, type BaseConfig } from "../check/index.ts";
import { reading } from "../clients.ts";
import { letAgentWork, takePatch } from "./attempt.ts";
import { buyCheck, mayOrderAgain } from "./buy-check.ts";
import { decideNext } from "./decide-next.ts";
import { endUnkept } from "./end-unkept.ts";
import { isRefusedAs } from "./executor.ts";
import { feedbackOn } from "./feedback.ts";
import { CANCELED, finish } from "./finish.ts";
import { keepForOthers } from "./handover.ts";
import { createJournal, loadJournal, type Ending, type RunProblem, type RunRequest } from "./journal.ts";
import { currentOrder, review, settle } from "./order.ts";
import { outcomeOf } from "./outcome.ts";
import { prepare, type Prepared } from "./prepare.ts";
import { announceRun } from "./publish-run.ts";
import type { RunDeps, RunOutcome } from "./run.ts";
import { findJournal, openSession, runFolder, toolsOf, type Session } from "./session.ts";
import { makeSpec } from "./spec.ts";

/**
 * Open a run for an issue, and execute it. Rejects only when the run could not be
 * opened or its lease not be had; afterwards every trouble is in the outcome's
 * `problem`, with the step it came from.
 */
export async function runIssue(deps: RunDeps, request: RunRequest): Promise<RunOutcome> {
  const { clients, nowMs } = toolsOf(deps);
  const { agent, checks, budgetMsats, attemptsMax } = request;
  // Before anything is opened: an agent that is misspelt, or has no login, is no failed run.
  deps.agentOf(agent).assertReady();
  const { run } = await clients.runs.createRun(
    {
      issue: request.issue,
      metadata: {
        agent,
        project: basename(request.repo, ".git"),
        checks: [...checks],
        budget_msats: Number(budgetMsats),
        attempts_max: attemptsMax,
      },
    },
    { idempotencyKey: randomUUID(), signal: deps.signal },
  );
  // The runtime holds it from here on, whatever becomes of this process.
  await clients.budgets.setBudget(
    { level: "run", subject: run.runId, period: "none", limitMsats: budgetMsats },
    { idempotencyKey: `${run.runId}:budget`, signal: deps.signal },
  );
  const folder = runFolder(deps, run.runId);
  await createJournal(folder, {
    runId: run.runId,
    createdAtMs: nowMs(),
    request,
    attempts: [],
  });
  deps.onOpen?.(run.runId);
  return execute(deps, run.runId, pursue);
}

/**
 * Go on with a run at its first unfinished step, once its lease is free; one that
 * was started on another machine too, from what its log names. Rejects with
 * `run_not_here`, `journal_invalid`, `handover_damaged`, `executor_held`.
 */
export async function resumeRun(deps: RunDeps, runId: string): Promise<RunOutcome> {
  await bringHere(deps, runId);
  deps.onOpen?.(runId);
  return execute(deps, runId, pursue);
}

/** Have the run's journal on this machine. */
async function bringHere(deps: RunDeps, runId: string, waitMsMax?: number): Promise<void> {
  if ((await findJournal(runFolder(deps, runId), runId)) !== undefined) return;
  const session = await openSession(deps, runId, waitMsMax);
  await session.hold.release();
}

/** A person's word on a run whose verdict is `needs_review`: settle, and end the run. Rejects with `not_in_review` too. */
export async function reviewRun(
  deps: RunDeps,
  runId: string,
  decision: "accepted" | "rejected",
  note: string,
): Promise<RunOutcome> {
  await bringHere(deps, runId);
  const journal = await loadJournal(runFolder(deps, runId), runId);
  const { verification: known } = currentOrder({ journal });
  // A run that ends without a person's word does not ask for one any more.
  const isOpenToIt = journal.current.ending === undefined || known?.review !== undefined;
  if (known?.verdict !== "needs_review" || !isOpenToIt) {
    throw new AutopilotError(
      "not_in_review",
      `${runId} does not wait for a review. \`openagents runs show ${runId}\` tells what became of it.`,
    );
  }
  return execute(deps, runId, async (session) => {
    if (currentOrder(session).verification?.review === undefined)
      await review(session, { decision, note, by: "person" });
    await settle(session);
    const { verification, settlement } = currentOrder(session);
    if (verification === undefined) throw new Error("a review is of a verdict");
    const next = decideNext(verification, settlement, [], 1);
    if (next.kind === "succeeded") return { status: "succeeded" };
    if (next.kind === "needs_review") throw new Error("a reviewed verdict waits for no review");
    return { status: "failed", problem: next.problem };
  });
}

const CANCEL_MS_MAX = 90_000;
const CANCEL_POLL_MS = 500;

/**
 * End a run: what no provider has handed in is called off and its money given back
 * at once; what was handed in is settled, also of a run that ended with money set
 * aside. A run that another process executes ends there, and is waited for. Rejects
 * with `executor_held` when it does not.
 */
export async function cancelRun(deps: RunDeps, runId: string): Promise<RunOutcome> {
  const { clients, pause, nowMs } = toolsOf(deps);
  const startedMs = nowMs();
  const waiting = {
    ...deps,
    ...(deps.onProgress === undefined ? {} : { onProgress: asOneWait(deps.onProgress) }),
  };
  await clients.runs
    .cancelRun({ runId, reason: "" }, { idempotencyKey: randomUUID(), signal: deps.signal })
    .catch((cause: unknown) => {
      // It has ended; what is set aside for it still is closed below.
      if (!isRefusedAs(cause, "run_finished")) throw cause;
    });
  for (;;) {
    try {
      await bringHere(waiting, runId, 0);
      return await execute(waiting, runId, async () => CANCELED, 0);
    } catch (cause) {
      if (cause instanceof AutopilotError && cause.code === "run_not_here")
        return await endUnkept(waiting, runId);
      const held = cause instanceof AutopilotError && cause.code === "executor_held";
      if (!held || nowMs() - startedMs > CANCEL_MS_MAX) throw cause;
    }
    await pause(CANCEL_POLL_MS, deps.signal);
    deps.signal.throwIfAborted();
  }
}

/** Trying for the lease again and again is one step to look at. */
function asOneWait(tell: NonNullable<RunDeps["onProgress"]>): NonNullable<RunDeps["onProgress"]> {
  let told = false;
  return (progress) => {
    const { step, state } = progress;
    if (step === "executor" && ((state === "started" && told) || state === "failed")) return;
    told = true;
    tell(progress);
  };
}

/** Undefined: the run waits for a person. */
type Course = (session: Session) => Promise<Ending | undefined>;

async function execute(
  deps: RunDeps,
  runId: string,
  course: Course,
  waitMsMax?: number,
): Promise<RunOutcome> {
  const known = await loadJournal(runFolder(deps, runId), runId);
  if (known.current.done === true) return outcomeOf(deps, known.current, undefined);
  const session = await openAlone(deps, runId, waitMsMax);
  const { journal } = session;
  try {
    // Whoever held it while we waited may have brought it to its end.
    if (journal.current.done === true) return outcomeOf(deps, journal.current, undefined);
    let ending = journal.current.ending ?? (await finishedElsewhere(session));
    try {
      ending ??= await course(session);
    } catch (cause) {
      const problem = problemOf(cause, session);
      if (isStopping(cause, session)) return outcomeOf(deps, journal.current, problem);
      ending = isCancelRequest(session) ? CANCELED : { status: "failed", problem };
    }
    if (ending === undefined) return outcomeOf(deps, journal.current, undefined);
    return await endWith(session, ending);
  } finally {
    await session.hold.release();
  }
}

/** How long whoever finished a run may take to write its bundle and branch, before somebody else does it. */
const ENDING_MS_MAX = 10_000;
const ENDING_POLL_MS = 100;

/**
 * A finished run has no lease to hold, so its ending is left to whoever finished
 * it; when that one is gone, the ending is ours.
 */
async function openAlone(deps: RunDeps, runId: string, waitMsMax: number | undefined): Promise<Session> {
  const session = await openSession(deps, runId, waitMsMax);
  if (session.hold.epoch > 0n || session.journal.current.done === true) return session;
  const { pause, nowMs } = session;
  const giveUpMs = nowMs() + ENDING_MS_MAX;
  while (nowMs() < giveUpMs) {
    const { current } = await loadJournal(runFolder(deps, runId), runId);
    if (current.done === true) break;
    await pause(ENDING_POLL_MS, deps.signal);
    deps.signal.throwIfAborted();
  }
  return openSession(deps, runId, waitMsMax);
}

async function endWith(session: Session, ending: Ending): Promise<RunOutcome> {
  const { deps, journal } = session;
  // Asked to cancel, the lease is ours still, and ending is what was asked.
  const closing = isCancelRequest(session) ? { ...session, signal: deps.signal } : session;
  try {
    await finish(closing, ending);
    return outcomeOf(deps, journal.current, undefined);
  } catch (cause) {
    return outcomeOf(deps, journal.current, problemOf(cause, session));
  }
}

/** Somebody else may have ended the run, or an earlier process that was killed right after. */
async function finishedElsewhere({
  clients,
  runId,
  signal,
  pause,
  hold,
}: Session): Promise<Ending | undefined> {
  if (hold.epoch > 0n) return undefined;
  const { run } = await reading(() => clients.runs.getRun({ runId }, { signal }), signal, pause);
  const status = run.status === "succeeded" || run.status === "canceled" ? run.status : "failed";
  return { status };
}

async function pursue(session: Session): Promise<Ending | undefined> {
  const { journal, log, signal } = session;
  const prepared = await prepare(session);
  const baseConfig = await readBaseConfig(prepared.workspace.base, signal);
  if (journal.current.attempts.length === 0) {
    const { issue, agent } = journal.current.request;
    await log.append("issue.claimed", { title: issue.title, agent }, signal);
    await announceRun(session);
    await journal.save({ attempts: [{ orders: [] }] });
  }
  await keepForOthers(session);
  for (;;) {
    const next = await tryOnce(session, prepared, baseConfig);
    if (next.kind === "needs_review") return undefined;
    if (next.kind === "succeeded") return { status: "succeeded" };
    if (next.kind === "failed") return { status: "failed", problem: next.problem };
    const { attempts } = journal.current;
    const last = attempts.at(-1) ?? { orders: [] };
    // In one write: an attempt with feedback has a next one.
    await journal.save({
      attempts: [...attempts.slice(0, -1), { ...last, feedback: next.feedback }, { orders: [] }],
    });
    await keepForOthers(session);
  }
}

type Tried =
  | { readonly kind: "succeeded" }
  | { readonly kind: "needs_review" }
  | { readonly kind: "failed"; readonly problem: RunProblem }
  | { readonly kind: "again"; readonly feedback: string };

async function tryOnce(
  session: Session,
  prepared: Prepared,
  baseConfig: BaseConfig | undefined,
): Promise<Tried> {
  const { journal, redact } = session;
  const { attemptsMax } = journal.current.request;
  let patch: Buffer;
  await letAgentWork(session, prepared);
  try {
    patch = await takePatch(session, prepared, baseConfig?.config);
  } catch (cause) {
    if (!isMendable(cause)) throw cause;
    const problem = problemOf(cause, session);
    if (journal.current.attempts.length >= attemptsMax) return { kind: "failed", problem };
    return { kind: "again", feedback: redact(problem.detail) };
  }
  await keepForOthers(session);
  const { verification, settlement } = await buy(session, () =>
    makeSpec(session, prepared, baseConfig, patch),
  );
  const earlier = journal.current.attempts.slice(0, -1);
  const next = decideNext(verification, settlement, earlier, attemptsMax);
  if (next.kind !== "again") return next;
  const jobId = currentOrder(session).jobId ?? verification.jobId;
  return { kind: "again", feedback: await feedbackOn(session, jobId, verification) };
}

/** A provider that could not do the job says nothing about the patch, so the job is ordered again. */
async function buy(
  session: Session,
  spec: () => Promise<SandboxRunSpec>,
): Promise<{ verification: VerificationResult; settlement: Settlement | undefined }> {
  for (;;) {
    const verification = await buyCheck(session, spec);
    const waits = verification.verdict === "needs_review" && verification.review === undefined;
    // What is paid for whatever its verdict waits for nobody: a person decides about the patch alone.
    const settlement =
      waits && currentOrder(session).quote?.payOn !== "execution" ? undefined : await settle(session);
    await keepForOthers(session);
    if (waits || !mayOrderAgain(session)) return { verification, settlement };
  }
}

/** Troubles of a patch that the agent can mend in another attempt. */
function isMendable(cause: unknown): boolean {
  if (cause instanceof PatchError) return true;
  return (
    cause instanceof AutopilotError &&
    ["patch_empty", "patch_unchanged", "patch_too_large"].includes(cause.code)
  );
}

/** Whether the run goes on another time, in place of having failed. */
function isStopping(cause: unknown, { deps, hold }: Session): boolean {
  if (deps.signal.aborted) return true;
  if (hold.signal.aborted) return !(codeOf(hold.signal.reason) === "cancel_requested");
  if (isRefusedAs(cause, "executor_fenced") || codeOf(cause) === "executor_fenced") return true;
  // A runtime that is away decides nothing, and neither does a disk that is full.
  if (cause instanceof ProblemError) return cause.status === 429 || cause.status >= 500;
  return codeOf(cause) === undefined;
}

function isCancelRequest({ deps, hold }: Session): boolean {
  return !deps.signal.aborted && codeOf(hold.signal.reason) === "cancel_requested";
}

function codeOf(cause: unknown): string | undefined {
  if (cause instanceof AutopilotError || cause instanceof AgentError || cause instanceof PatchError)
    return cause.code;
  return cause instanceof CheckConfigError ? "check_config_invalid" : undefined;
}

function problemOf(cause: unknown, { steps, deps, hold, redact }: Session): RunProblem {
  const step = steps.current ?? "workspace";
  if (deps.signal.aborted) return { step, code: "interrupted", detail: "The run was interrupted." };
  const real: unknown = hold.signal.aborted ? hold.signal.reason : cause;
  if (real instanceof ProblemError)
    return { step, code: real.reason ?? real.code, detail: redact(real.detail) };
  const text = real instanceof Error ? real.message : String(real);
  const detail = real instanceof PatchError ? `The agent's patch is refused: ${text}.` : text;
  return { step, code: codeOf(real) ?? "unexpected", detail: redact(detail) };
}
