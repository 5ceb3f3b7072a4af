// Buying the check of a patch: quote, reserve, dispatch, wait, verify, settle.
// Every command has a key made of the run and the step, so that a repeat after
// a lost answer finds the first answer and spends nothing twice.

import { createHash } from "node:crypto";
import {
  ProblemError,
  type Job,
  type Quote,
  type Reservation,
  type SandboxLimits,
  type SandboxRunSpec,
  type Settlement,
  type ToolchainRequirement,
  type VerificationResult,
} from "@openagents/contracts";
import { classifyPatch, patchFiles } from "@openagents/proof";
import { AutopilotError } from "../autopilot-error.ts";
import { reading, type RuntimeClients } from "../clients.ts";
import type { Pause } from "../pause.ts";

export type Purchase = {
  readonly deps: PurchaseDeps;
  readonly runId: string;
  quote?: Quote;
  /** Set before the money is asked for, because the answer can be lost. */
  reserving?: true;
  reservation?: Reservation;
  dispatching?: true;
  job?: Job;
  verification?: VerificationResult;
  settlement?: Settlement;
};

export type PurchaseDeps = {
  readonly clients: RuntimeClients;
  readonly pause: Pause;
  readonly nowMs: () => number;
};

export type Work = {
  readonly base: { readonly commit: string; readonly tree: string; readonly bundle: Buffer };
  readonly patch: Buffer;
  readonly checks: readonly string[];
  readonly limits: SandboxLimits;
  readonly toolchains: readonly ToolchainRequirement[];
};

const POLL_MS_MIN = 50;
const POLL_MS_MAX = 500;

/** A living provider renews its lease every 10 s, so a job that stands still this long has none. */
const STILL_MS_MAX = 90_000;

/** What the provider needs beyond the commands themselves: fetching, unpacking, handing in. */
const OVERHEAD_MS = 120_000;

/** Upload the inputs and fix a price. Throws `budget_exceeded` when it is above the budget. */
export async function quoteWork(
  purchase: Purchase,
  work: Work,
  budgetMsats: bigint,
  signal: AbortSignal,
): Promise<Quote> {
  const { clients } = purchase.deps;
  const put = async (data: Buffer): Promise<string> => {
    const sha256 = createHash("sha256").update(data).digest("hex");
    const content = { contentType: "application/octet-stream", data };
    await clients.artifacts.putArtifact({ sha256, content }, { signal });
    return sha256;
  };
  const spec: SandboxRunSpec = {
    baseBundleSha256: await put(work.base.bundle),
    baseCommit: work.base.commit,
    baseTree: work.base.tree,
    patchSha256: await put(work.patch),
    patchTestPaths: classifyPatch(patchFiles(work.patch.toString("utf8"))).testPaths,
    commands: work.checks,
    limits: work.limits,
    toolchains: work.toolchains,
  };
  const { quote } = await clients.marketplace.quoteSandboxRun(
    { runId: purchase.runId, spec },
    { idempotencyKey: `${purchase.runId}:quote`, signal },
  );
  purchase.quote = quote;
  if (quote.totalPriceMsats > budgetMsats) {
    throw new AutopilotError(
      "budget_exceeded",
      `The check costs ${quote.totalPriceMsats} msats, more than the budget of ${budgetMsats}. Raise it, or find a cheaper provider.`,
    );
  }
  return quote;
}

export async function reserve(purchase: Purchase, quote: Quote, signal: AbortSignal): Promise<Reservation> {
  purchase.reserving = true;
  const { reservation } = await purchase.deps.clients.treasury.reserveCompute(
    { amountMsats: quote.totalPriceMsats, runId: purchase.runId, quoteId: quote.quoteId },
    { idempotencyKey: `${purchase.runId}:reserve`, signal },
  );
  purchase.reservation = reservation;
  return reservation;
}

export async function dispatch(purchase: Purchase, signal: AbortSignal): Promise<Job> {
  const { quote, reservation } = purchase;
  if (quote === undefined || reservation === undefined)
    throw new Error("nothing is dispatched before it is reserved");
  purchase.dispatching = true;
  const { job } = await purchase.deps.clients.marketplace.dispatchSandboxRun(
    { quoteId: quote.quoteId, reservationId: reservation.reservationId },
    { idempotencyKey: `${purchase.runId}:dispatch`, signal },
  );
  purchase.job = job;
  return job;
}

/**
 * Wait until the provider has reported. Throws `job_stuck` when nothing happens
 * to the job for long, and `job_overdue` when it takes longer than its limits allow.
 */
export async function awaitReport(
  purchase: Purchase,
  dispatched: Job,
  signal: AbortSignal,
  say: (detail: string) => void,
): Promise<Job> {
  const { clients, pause, nowMs } = purchase.deps;
  const startedMs = nowMs();
  const { spec } = dispatched;
  const allowedMs = 2 * spec.commands.length * Number(spec.limits.wallMs) + STILL_MS_MAX + OVERHEAD_MS;
  let job = dispatched;
  let changedMs = startedMs;
  for (let waitMs = POLL_MS_MIN; ; waitMs = Math.min(POLL_MS_MAX, waitMs * 1.5)) {
    const before = job;
    ({ job } = await reading(() => clients.jobs.getJob({ jobId: before.jobId }, { signal }), signal, pause));
    purchase.job = job;
    if (job.status !== "queued" && job.status !== "leased") return job;
    if (job.updatedAt !== before.updatedAt || job.status !== before.status) changedMs = nowMs();
    if (job.status !== before.status)
      say(job.status === "leased" ? "the provider works on it" : "waits for its provider");
    if (nowMs() - changedMs > STILL_MS_MAX) {
      throw new AutopilotError(
        "job_stuck",
        `Nothing has happened to ${job.jobId} for ${STILL_MS_MAX / 1000} s; its provider seems to be away.`,
      );
    }
    if (nowMs() - startedMs > allowedMs) {
      throw new AutopilotError("job_overdue", `${job.jobId} takes longer than its limits allow.`);
    }
    await pause(waitMs, signal);
    signal.throwIfAborted();
  }
}

export async function verify(purchase: Purchase, job: Job, signal: AbortSignal): Promise<VerificationResult> {
  const { verification } = await purchase.deps.clients.verification.verifySandboxRun(
    { jobId: job.jobId },
    { idempotencyKey: `${purchase.runId}:verify`, signal },
  );
  purchase.verification = verification;
  return verification;
}

export async function settle(purchase: Purchase, job: Job, signal: AbortSignal): Promise<Settlement> {
  const { settlement } = await purchase.deps.clients.treasury.settleSandboxRun(
    { jobId: job.jobId },
    { idempotencyKey: `${purchase.runId}:settle`, signal },
  );
  purchase.settlement = settlement;
  return settlement;
}

/** How long an ending run waits for a provider that is at work. */
const GRACE_MS = 15_000;

/**
 * Leave no money lying: give a reservation back when no provider has the job;
 * finish the job when one has. Answers the reservation that stays open when the
 * provider needs longer than the grace.
 */
export async function closePurchase(
  purchase: Purchase,
  signal: AbortSignal,
): Promise<Reservation | undefined> {
  const { clients, pause, nowMs } = purchase.deps;
  if (purchase.settlement !== undefined || purchase.quote === undefined || purchase.reserving === undefined)
    return undefined;
  // When the answer was lost, the same key tells whether the money is set aside.
  const reservation =
    purchase.reservation ?? (await reserve(purchase, purchase.quote, signal).catch(wasRefused));
  if (reservation === undefined) return undefined;

  const giveUpMs = nowMs() + GRACE_MS;
  for (let tries = 1; ; tries += 1) {
    if (await voided(purchase, reservation, tries, signal)) return undefined;
    // Only a dispatched job holds a reservation, so this finds the job and orders nothing.
    const { jobId } = purchase.job ?? (await dispatch(purchase, signal));
    const { job } = await reading(() => clients.jobs.getJob({ jobId }, { signal }), signal, pause);
    if (job.status === "reported") await verify(purchase, job, signal);
    if (job.status === "reported" || job.status === "verified") await settle(purchase, job, signal);
    if (job.status !== "queued" && job.status !== "leased") return undefined;
    if (nowMs() >= giveUpMs) return reservation;
    await pause(POLL_MS_MAX, signal);
  }
}

async function voided(
  purchase: Purchase,
  reservation: Reservation,
  tries: number,
  signal: AbortSignal,
): Promise<boolean> {
  const { reservationId } = reservation;
  // A refusal is kept under its key, so each try needs its own.
  const idempotencyKey = `${purchase.runId}:void:${tries}`;
  try {
    await purchase.deps.clients.treasury.voidReservation({ reservationId }, { idempotencyKey, signal });
    return true;
  } catch (cause) {
    if (cause instanceof ProblemError && cause.reason === "job_taken") return false;
    if (cause instanceof ProblemError && cause.reason === "reservation_not_reserved") return true;
    throw cause;
  }
}

/** A refused reservation set nothing aside; any other trouble leaves it unknown and is the caller's. */
function wasRefused(cause: unknown): undefined {
  if (cause instanceof ProblemError && cause.status >= 400 && cause.status < 500) return undefined;
  throw cause;
}
