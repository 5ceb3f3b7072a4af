// Buying the check of a patch: quote, reserve, dispatch, wait, verify, and order
// again from another provider when one came to nothing.

import type { Quote, SandboxRunSpec, VerificationResult } from "@openagents/contracts";
import { AutopilotError } from "../autopilot-error.ts";
import { awaitReport } from "./await-report.ts";
import { isRefusedAs } from "./executor.ts";
import { giveBack } from "./give-back.ts";
import { keepForOthers } from "./handover.ts";
import { spentMsats, type Order } from "./journal.ts";
import { currentOrder, dispatch, orderKey, reserve } from "./order.ts";
import type { Session } from "./session.ts";
import { verify } from "./verify.ts";

/** A quote can expire, and a provider can go away, be busy for ever or fail. */
const ORDERS_MAX = 3;

/**
 * Buy the check of the current attempt up to its final verdict, going on where an
 * earlier process stopped. Throws `budget_exceeded`, `job_stuck`, `job_overdue`,
 * `job_canceled`, `second_opinion_stuck`, and what the runtime refuses.
 */
export async function buyCheck(
  session: Session,
  spec: () => Promise<SandboxRunSpec>,
): Promise<VerificationResult> {
  const { journal } = session;
  for (;;) {
    const orders = journal.current.attempts.at(-1)?.orders ?? [];
    if (isOver(orders)) await journal.saveAttempt({ orders: [...orders, {}] });
    try {
      return await buyOnce(session, spec);
    } catch (cause) {
      const tries = journal.current.attempts.at(-1)?.orders.length ?? 0;
      if (!isProvidersFault(cause) || tries >= ORDERS_MAX) throw cause;
      // What a provider still has is not bought a second time.
      if ((await giveBack(session)) === "held") throw cause;
      await journal.saveOrder({ closed: true });
    }
  }
}

/** Whether the next thing to do is another order. */
function isOver(orders: readonly Order[]): boolean {
  const last = orders.at(-1);
  if (last === undefined || last.closed === true) return true;
  return mayFollow(orders) && last.settlement !== undefined;
}

/** Whether the current order came to nothing by its provider's fault alone, and another may do better. */
export function mayOrderAgain({ journal }: Session): boolean {
  return mayFollow(journal.current.attempts.at(-1)?.orders ?? []);
}

function mayFollow(orders: readonly Order[]): boolean {
  return orders.at(-1)?.failed === true && orders.length < ORDERS_MAX;
}

function isProvidersFault(cause: unknown): boolean {
  if (isRefusedAs(cause, "quote_expired", "provider_unavailable")) return true;
  return cause instanceof AutopilotError && ["job_canceled", "job_stuck", "job_overdue"].includes(cause.code);
}

async function buyOnce(session: Session, specOf: () => Promise<SandboxRunSpec>): Promise<VerificationResult> {
  const quote = currentOrder(session).quote ?? (await askQuote(session, specOf));
  if (currentOrder(session).reservation === undefined) await setAside(session, quote);
  const jobId = currentOrder(session).jobId ?? (await order(session));
  const { verification } = currentOrder(session);
  if (verification?.status === "final") return verification;
  await session.steps.step(
    "job",
    async (say) => {
      const job = await awaitReport(session, jobId, say);
      if (job.failure !== undefined) await session.journal.saveOrder({ failed: true });
      return job;
    },
    (done) =>
      done.failure === undefined
        ? "the provider has reported"
        : `the provider could not: ${done.failure.code}`,
  );
  return verify(session, jobId);
}

function askQuote(session: Session, specOf: () => Promise<SandboxRunSpec>): Promise<Quote> {
  const { clients, journal, runId, signal, steps } = session;
  const { budgetMsats, secondOpinion, policy, payOn, market } = journal.current.request;
  return steps.step(
    "quote",
    async () => {
      const answer = await clients.marketplace.quoteSandboxRun(
        { runId, spec: await specOf(), secondOpinion, policy, payOn, market },
        { idempotencyKey: `${orderKey(session)}:quote`, signal },
      );
      await journal.saveOrder({ quote: answer.quote });
      // Before money is asked for, so that another machine can find it by its key.
      await keepForOthers(session);
      return answer.quote;
    },
    (made) => describeQuote(made, spentMsats(journal.current), budgetMsats),
  );
}

/** Before the money is asked for, it must fit what is left of the budget. */
async function setAside(session: Session, quote: Quote): Promise<void> {
  const { hold, journal, signal, steps } = session;
  const { budgetMsats } = journal.current.request;
  const leftMsats = budgetMsats - spentMsats(journal.current);
  if (quote.totalPriceMsats > leftMsats) {
    throw new AutopilotError(
      "budget_exceeded",
      `The check costs ${quote.totalPriceMsats} msats, and ${leftMsats} msats are left of the budget of ${budgetMsats} msats. Raise it, or find a cheaper provider.`,
    );
  }
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

async function order(session: Session): Promise<string> {
  await session.hold.assertHeld(session.signal);
  return dispatch(session);
}

function describeQuote(quote: Quote, spent: bigint, budgetMsats: bigint): string {
  const before = spent === 0n ? "" : `, ${spent} msats spent before`;
  return `${quote.totalPriceMsats} msats of a budget of ${budgetMsats} msats${before}, by ${quote.providerWorkerId}`;
}
