// Buying the check of a patch: quote, reserve, dispatch, wait, verify with its
// second opinion, settle. Every command has a key made of run, attempt, order
// and step, so that a repeat finds the first answer and spends nothing twice.

import {
  ProblemError,
  type Job,
  type Quote,
  type SandboxRunSpec,
  type Settlement,
  type VerificationResult,
} from "@openagents/contracts";
import { AutopilotError } from "../autopilot-error.ts";
import { reading } from "../clients.ts";
import { isRefusedAs } from "./executor.ts";
import { spentMsats, type Order } from "./journal.ts";
import type { Session } from "./session.ts";

const POLL_MS_MIN = 50;
const POLL_MS_MAX = 500;

/** A living provider renews its lease every 10 s, so a job that stands still this long has none. */
const STILL_MS_MAX = 90_000;

/** A provider that is there and busy is waited for this long. */
const QUEUE_MS_MAX = 3_600_000;

/** What the provider needs beyond the commands themselves: fetching, unpacking, handing in. */
const OVERHEAD_MS = 120_000;

/** A quote can expire, and a job can lose its provider, before anything was spent. */
const ORDERS_MAX = 3;

/** The work's own verdict, the one after a second opinion, and more for second runs that were lost. */
const VERIFICATIONS_MAX = 5;

/**
 * Buy the check of the current attempt up to its final verdict, going on where an
 * earlier process stopped. Throws `budget_exceeded`, `job_stuck`, `job_overdue`,
 * `second_opinion_stuck`, and what the runtime refuses.
 */
export async function buyCheck(
  session: Session,
  spec: () => Promise<SandboxRunSpec>,
): Promise<VerificationResult> {
  const { journal } = session;
  for (;;) {
    const orders = journal.current.attempts.at(-1)?.orders ?? [];
    const last = orders.at(-1);
    const isOver =
      last === undefined || last.closed === true || (last.failed === true && last.settlement !== undefined);
    if (isOver) await journal.saveAttempt({ orders: [...orders, {}] });
    try {
      return await buyOnce(session, spec);
    } catch (cause) {
      const again =
        isRefusedAs(cause, "quote_expired") ||
        (cause instanceof AutopilotError && cause.code === "job_canceled");
      const tries = journal.current.attempts.at(-1)?.orders.length ?? 0;
      if (!again || tries >= ORDERS_MAX) throw cause;
      await giveBack(session);
      await journal.saveOrder({ closed: true });
    }
  }
}

async function buyOnce(session: Session, specOf: () => Promise<SandboxRunSpec>): Promise<VerificationResult> {
  const { clients, journal, steps, hold, signal } = session;
  const { budgetMsats, secondOpinion } = journal.current.request;
  const key = orderKey(session);

  const quote =
    currentOrder(session).quote ??
    (await steps.step(
      "quote",
      async () => {
        const asked = { runId: session.runId, spec: await specOf(), secondOpinion };
        const answer = await clients.marketplace.quoteSandboxRun(asked, {
          idempotencyKey: `${key}:quote`,
          signal,
        });
        await journal.saveOrder({ quote: answer.quote });
        return answer.quote;
      },
      (made) => describeQuote(made, spentMsats(journal.current), budgetMsats),
    ));
  const spent = spentMsats(journal.current);
  if (spent + quote.totalPriceMsats > budgetMsats) {
    throw new AutopilotError(
      "budget_exceeded",
      `The check costs ${quote.totalPriceMsats} msats, and ${budgetMsats - spent} msats are left of the budget of ${budgetMsats} msats. Raise it, or find a cheaper provider.`,
    );
  }

  if (currentOrder(session).reservation === undefined) {
    await steps.step(
      "reserve",
      async () => {
        await hold.assertHeld(signal);
        await journal.saveOrder({ reserving: true });
        return reserve(session, quote);
      },
      (made) => `${made.amountMsats} msats set aside`,
    );
  }

  const jobId =
    currentOrder(session).jobId ??
    (await (async () => {
      await hold.assertHeld(signal);
      return dispatch(session);
    })());
  const verification = currentOrder(session).verification;
  if (verification?.status === "final") return verification;
  await steps.step(
    "job",
    async (say) => {
      const job = await awaitReport(session, jobId, say);
      if (job.failure !== undefined) await journal.saveOrder({ failed: true });
      return job;
    },
    (done) =>
      done.failure === undefined
        ? "the provider has reported"
        : `the provider could not: ${done.failure.code}`,
  );
  return verify(session, jobId);
}

/** Whether the current order came to nothing by its provider's fault alone, and another may do better. */
export function mayOrderAgain({ journal }: Session): boolean {
  const orders = journal.current.attempts.at(-1)?.orders ?? [];
  return orders.at(-1)?.failed === true && orders.length < ORDERS_MAX;
}

function describeQuote(quote: Quote, spent: bigint, budgetMsats: bigint): string {
  const before = spent === 0n ? "" : `, ${spent} msats spent before`;
  return `${quote.totalPriceMsats} msats of a budget of ${budgetMsats} msats${before}, by ${quote.providerWorkerId}`;
}

/** The money for the quote; a repeat finds what was set aside. */
async function reserve(session: Session, quote: Quote, signal = session.signal) {
  const { reservation } = await session.clients.treasury.reserveCompute(
    { amountMsats: quote.totalPriceMsats, runId: session.runId, quoteId: quote.quoteId },
    { idempotencyKey: `${orderKey(session)}:reserve`, signal },
  );
  await session.journal.saveOrder({ reservation });
  return reservation;
}

/** The job for the reservation; a repeat finds the job. */
async function dispatch(session: Session, signal = session.signal): Promise<string> {
  const { quote, reservation } = currentOrder(session);
  if (quote === undefined || reservation === undefined)
    throw new Error("nothing is dispatched before it is reserved");
  const { job } = await session.clients.marketplace.dispatchSandboxRun(
    { quoteId: quote.quoteId, reservationId: reservation.reservationId },
    { idempotencyKey: `${orderKey(session)}:dispatch`, signal },
  );
  await session.journal.saveOrder({ jobId: job.jobId });
  return job.jobId;
}

/**
 * Wait until a provider has reported. Throws `job_canceled` when it lost the job,
 * `job_stuck` when nothing happens to the job for long and its provider is away, and
 * `job_overdue` when it takes longer than its limits allow.
 */
async function awaitReport(session: Session, jobId: string, say: (detail: string) => void): Promise<Job> {
  const { clients, pause, nowMs, signal } = session;
  const startedMs = nowMs();
  let changedMs = startedMs;
  let leasedMs: number | undefined;
  let before: Job | undefined;
  for (let waitMs = POLL_MS_MIN; ; waitMs = Math.min(POLL_MS_MAX, waitMs * 1.5)) {
    const { job } = await reading(() => clients.jobs.getJob({ jobId }, { signal }), signal, pause);
    if (job.status === "canceled")
      throw new AutopilotError(
        "job_canceled",
        `${jobId} was called off, because its provider may work no more.`,
      );
    if (job.status !== "queued" && job.status !== "leased") return job;
    if (job.updatedAt !== before?.updatedAt || job.status !== before.status) changedMs = nowMs();
    if (job.status !== before?.status) {
      say(job.status === "leased" ? "the provider works on it" : "waits for its provider");
      leasedMs = job.status === "leased" ? nowMs() : undefined;
    }
    before = job;
    if (nowMs() - changedMs > STILL_MS_MAX) {
      const isBusy =
        job.status === "queued" && nowMs() - startedMs < QUEUE_MS_MAX && (await isThere(session, job));
      if (!isBusy) {
        throw new AutopilotError(
          "job_stuck",
          `Nothing has happened to ${jobId} for ${STILL_MS_MAX / 1000} s; its provider seems to be away.`,
        );
      }
      say("waits for its provider, which is busy");
      changedMs = nowMs();
    }
    const legsMs = 3 * job.spec.commands.length * Number(job.spec.limits.wallMs) * Math.max(1, job.repeats);
    if (leasedMs !== undefined && nowMs() - leasedMs > legsMs + OVERHEAD_MS)
      throw new AutopilotError("job_overdue", `${jobId} takes longer than its limits allow.`);
    await pause(waitMs, signal);
    signal.throwIfAborted();
  }
}

/** Whether the provider takes jobs now, so that a job that waits for it will have its turn. */
async function isThere({ clients, pause, signal }: Session, job: Job): Promise<boolean> {
  const { providers } = await reading(() => clients.marketplace.listProviders({}, { signal }), signal, pause);
  return providers.some(({ workerId }) => workerId === job.providerWorkerId);
}

/** The final verdict, after somebody else has run the work again where the quote says so. */
async function verify(session: Session, jobId: string): Promise<VerificationResult> {
  const { clients, journal, steps, signal } = session;
  for (let round = 1; round <= VERIFICATIONS_MAX; round += 1) {
    const { verification, secondJob } = await steps.step(
      "verify",
      async () => {
        const answer = await clients.verification.verifySandboxRun(
          { jobId },
          { idempotencyKey: `${orderKey(session)}:verify:${round}`, signal },
        );
        // In one write: a final verdict is not looked at again.
        const failed = await isUnconfirmed(session, answer.verification);
        await journal.saveOrder({ verification: answer.verification, ...(failed ? { failed } : {}) });
        return answer;
      },
      (made) => describeVerification(made.verification),
    );
    if (verification.status === "final") return verification;
    const secondJobId = secondJob?.jobId ?? verification.secondJobId;
    if (secondJobId === undefined) throw new Error("a second opinion is awaited from nobody");
    await steps.step(
      "second",
      (say) =>
        awaitReport(session, secondJobId, say).catch((cause: unknown) => {
          // Lost by its provider: the next verification finds another, or says that there is none.
          if (cause instanceof AutopilotError && cause.code.startsWith("job_")) return undefined;
          throw cause;
        }),
      (done) => {
        if (done === undefined) return "the second provider is away";
        return done.failure === undefined
          ? "the second run is reported"
          : `it could not: ${done.failure.code}`;
      },
    );
  }
  throw new AutopilotError("second_opinion_stuck", `No second run of ${jobId} came to an end.`);
}

/** Whether the first report came to nothing only because nobody repeated its run. */
async function isUnconfirmed(session: Session, verification: VerificationResult): Promise<boolean> {
  const { clients, pause, signal } = session;
  const { status, verdict, disagreement, violations, secondJobId } = verification;
  if (
    status !== "final" ||
    verdict !== "inconclusive" ||
    disagreement ||
    violations.length > 0 ||
    secondJobId === undefined
  )
    return false;
  const { job } = await reading(() => clients.jobs.getJob({ jobId: secondJobId }, { signal }), signal, pause);
  return job.result === undefined;
}

function describeVerification(made: VerificationResult): string {
  const exits = `base exits ${made.baseExitCode ?? "–"}, patched exits ${made.patchedExitCode ?? "–"}`;
  if (made.status !== "final") return `would be ${made.verdict}; ${exits}; somebody else runs it again`;
  const tests =
    made.testsFixed === undefined ? "" : `, tests fixed ${made.testsFixed}, kept ${made.testsKept ?? 0}`;
  return `${made.verdict}, ${exits}${tests}`;
}

/** Pay or withhold, as the verdict says. A repeat answers the settlement. */
export async function settle(session: Session, signal = session.signal): Promise<Settlement> {
  const { clients, journal, steps } = session;
  const { jobId, settlement } = currentOrder(session);
  if (settlement !== undefined) return settlement;
  if (jobId === undefined) throw new Error("nothing is settled before it is dispatched");
  return steps.step(
    "settle",
    async () => {
      const answer = await clients.treasury.settleSandboxRun(
        { jobId },
        { idempotencyKey: `${orderKey(session)}:settle`, signal },
      );
      await journal.saveOrder({ settlement: answer.settlement });
      return answer.settlement;
    },
    describeSettlement,
  );
}

function describeSettlement(made: Settlement): string {
  const second =
    made.secondOpinionMsats > 0n
      ? `, ${made.secondOpinionMsats} msats to the provider of the second run`
      : "";
  return made.status === "released"
    ? `${made.providerMsats} msats credited to the provider${second}, ${made.operatorFeeMsats} msats to the operator`
    : `withheld from the provider (${made.withheldReason ?? "no reason"})${second}`;
}

/** How long an ending run waits for a provider that is at work. */
const GRACE_MS = 15_000;

/**
 * Leave no money lying: give a reservation back when no provider has the job;
 * finish the job when one has. What stays set aside when the provider needs longer
 * than the grace is in the journal still.
 */
export async function closeOrder(session: Session, signal: AbortSignal): Promise<void> {
  const { clients, journal, pause, nowMs } = session;
  const order = currentOrder(session);
  if (order.settlement !== undefined || order.closed === true || order.reserving !== true) return;
  const giveUpMs = nowMs() + GRACE_MS;
  for (;;) {
    if (await giveBack(session, signal)) {
      await journal.saveOrder({ closed: true });
      return;
    }
    const { reservation } = currentOrder(session);
    if (reservation === undefined) return;
    // Only a dispatched job holds a reservation, so this finds the job and orders nothing.
    const jobId = currentOrder(session).jobId ?? (await dispatch(session, signal));
    const closing: Session = { ...session, signal };
    const { job } = await reading(() => clients.jobs.getJob({ jobId }, { signal }), signal, pause);
    if (job.status === "settled" || job.status === "canceled") {
      if (job.status === "settled") await settle(closing, signal);
      return;
    }
    if (job.status === "reported" || job.status === "verified") {
      const verification = await verifyWithin(closing, jobId, giveUpMs);
      if (verification?.verdict === "needs_review" && verification.review === undefined)
        await review(closing, "rejected", "The run was ended before a person looked at it.");
      if (verification !== undefined) await settle(closing, signal);
      return;
    }
    if (nowMs() >= giveUpMs) return;
    await pause(POLL_MS_MAX, signal);
  }
}

/** The final verdict if it comes before the time; undefined otherwise. */
async function verifyWithin(
  session: Session,
  jobId: string,
  giveUpMs: number,
): Promise<VerificationResult | undefined> {
  const known = currentOrder(session).verification;
  if (known?.status === "final") return known;
  const enough = AbortSignal.timeout(Math.max(1, giveUpMs - session.nowMs()));
  try {
    return await verify({ ...session, signal: AbortSignal.any([session.signal, enough]) }, jobId);
  } catch (cause) {
    session.signal.throwIfAborted();
    if (enough.aborted) return undefined;
    if (cause instanceof AutopilotError) return undefined;
    throw cause;
  }
}

/** A person's word on the current order. A repeat finds it. */
export async function review(
  session: Session,
  decision: "accepted" | "rejected",
  note: string,
): Promise<VerificationResult> {
  const { jobId } = currentOrder(session);
  if (jobId === undefined) throw new Error("nothing is reviewed before it is dispatched");
  const { verification } = await session.clients.verification.reviewVerification(
    { jobId, decision, note },
    { idempotencyKey: `${orderKey(session)}:review`, signal: session.signal },
  );
  await session.journal.saveOrder({ verification });
  return verification;
}

/** Whether the order's money is not set aside any more: given back now or before, or never taken. */
async function giveBack(session: Session, signal = session.signal): Promise<boolean> {
  const { clients } = session;
  const { quote, reserving } = currentOrder(session);
  if (quote === undefined || reserving !== true) return true;
  // When the answer was lost, the same key tells whether the money is set aside.
  const reservation =
    currentOrder(session).reservation ?? (await reserve(session, quote, signal).catch(wasRefused));
  if (reservation === undefined) return true;
  try {
    await clients.treasury.voidReservation(
      { reservationId: reservation.reservationId },
      // A refusal is kept under its key, and what refuses now may not refuse later.
      { idempotencyKey: `${orderKey(session)}:void:${crypto.randomUUID()}`, signal },
    );
    return true;
  } catch (cause) {
    if (isRefusedAs(cause, "job_taken")) return false;
    if (isRefusedAs(cause, "reservation_not_reserved")) return true;
    throw cause;
  }
}

/** A refused reservation set nothing aside; any other trouble leaves it unknown and is the caller's. */
function wasRefused(cause: unknown): undefined {
  if (cause instanceof ProblemError && cause.status >= 400 && cause.status < 500) return undefined;
  throw cause;
}

export function currentOrder({ journal }: Pick<Session, "journal">): Order {
  return journal.current.attempts.at(-1)?.orders.at(-1) ?? {};
}

function orderKey({ runId, journal }: Session): string {
  const { attempts } = journal.current;
  return `${runId}:${attempts.length}:${attempts.at(-1)?.orders.length ?? 0}`;
}
