// Carries out intents: takes up what is due, acts or asks outside of any
// transaction, and records the outcome by a command of its own. All state is in
// the database, so what a crash interrupts is taken up by the next look.

import { randomUUID } from "node:crypto";
import type { CommandCall, MethodContract, Principal } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import type { Authority, Command } from "./authority.ts";
import { putOffIntent, takeDueIntents } from "./intent-store.ts";
import {
  ACT_MS,
  backoffMs,
  type ActResult,
  type Effect,
  type HeldIntent,
  type Intent,
  type TerminalEffect,
} from "./intent.ts";
import type { Conclusion } from "./outcome.ts";

/** How one kind of outside effect is done. */
export type IntentHandler = {
  readonly kind: string;
  /** The command that makes intents of this kind; its output is what a waiting one answers. */
  readonly method: MethodContract;
  /**
   * Do it, at most once in the intent's life unless it answers `not_sent`. Gives
   * `intent.effectKey` along, so that the other side knows a repeat by it. Whatever
   * it throws, and not answering within 30 s, counts as `unknown`.
   */
  act(intent: Intent, signal: AbortSignal): Promise<ActResult>;
  /**
   * Find out what became of what may have been sent since `intent.sentAtMs`. Must not
   * send it. `failed` only when it can never happen any more.
   */
  ask(intent: Intent, signal: AbortSignal): Promise<Effect>;
  /**
   * What the outcome changes, under the intent's lock; runs once. Answers or refuses
   * for the command that waits for it, and ends `recorded` where none does.
   */
  conclude(command: Command, intent: Intent, effect: TerminalEffect): Promise<Conclusion>;
};

export type IntentWorkerDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly nowMs: () => number;
  readonly handlers: readonly IntentHandler[];
  /** In whose name outcomes are recorded. */
  readonly principal: Principal;
  /** For the log: what went wrong beside the outcome itself. */
  readonly onTrouble: (error: unknown, intentId: string | undefined) => void;
  /** From 0 to 1; `Math.random` when absent. */
  readonly random?: () => number;
  readonly lookEveryMs?: number;
  /** How many are carried out at once; 16 when absent. */
  readonly concurrencyMax?: number;
};

export type IntentWorker = AsyncDisposable & {
  /** Look now: an intent was just committed. Only a hint, a lost one costs time. */
  wake(): void;
};

const LOOK_EVERY_MS = 1_000;
const CONCURRENCY_MAX = 16;

/** How long acts that go on get to end once the service stops; then they are unknown, and asked about later. */
const DRAIN_MS = 10_000;

/** Start looking; disposing it lets what goes on end, for a while. */
export function startIntentWorker(deps: IntentWorkerDeps): IntentWorker {
  const handlers = new Map(deps.handlers.map((handler) => [handler.kind, handler]));
  const concurrencyMax = deps.concurrencyMax ?? CONCURRENCY_MAX;
  const running = new Set<Promise<void>>();
  const aborted = new AbortController();
  let stopped = false;
  let woken = Promise.withResolvers<void>();

  const look = async () => {
    const limit = concurrencyMax - running.size;
    if (limit === 0 || handlers.size === 0) return;
    const take = { kinds: [...handlers.keys()], limit, nowMs: deps.nowMs() };
    for (const held of await takeDueIntents(deps.db, take)) {
      const handler = handlers.get(held.kind);
      if (handler === undefined) throw new Error(`an intent of kind ${held.kind} was taken up unasked`);
      const carrying: Promise<void> = carryOut(deps, handler, held, aborted.signal)
        .catch((error: unknown) => deps.onTrouble(error, held.intentId))
        .finally(() => {
          running.delete(carrying);
          woken.resolve();
        });
      running.add(carrying);
    }
  };
  const loop = async () => {
    while (!stopped) {
      await look().catch((error: unknown) => deps.onTrouble(error, undefined));
      const timer = setTimeout(() => woken.resolve(), deps.lookEveryMs ?? LOOK_EVERY_MS);
      await woken.promise;
      clearTimeout(timer);
      woken = Promise.withResolvers();
    }
  };
  const looping = loop();

  return {
    wake: () => woken.resolve(),
    async [Symbol.asyncDispose]() {
      stopped = true;
      woken.resolve();
      const limit = setTimeout(() => aborted.abort(new Error("the service stops")), DRAIN_MS);
      await looping;
      await Promise.all(running);
      clearTimeout(limit);
    },
  };
}

async function carryOut(
  deps: IntentWorkerDeps,
  handler: IntentHandler,
  held: HeldIntent,
  stop: AbortSignal,
): Promise<void> {
  const effect = await effectOf(deps, handler, held, stop);
  if (effect.kind === "succeeded" || effect.kind === "failed") {
    try {
      await deps.authority.conclude(callOf(deps, handler, held, stop), held, effect, (command) =>
        handler.conclude(command, held, effect),
      );
      return;
    } catch (error) {
      // The effect stands; it is asked about again, and recorded then.
      deps.onTrouble(error, held.intentId);
    }
  }
  const nowMs = deps.nowMs();
  await putOffIntent(deps.db, held, {
    status: effect.kind === "not_sent" ? "pending" : "unknown",
    detail: "detail" in effect ? effect.detail : "The outcome could not be recorded yet.",
    dueAtMs: nowMs + backoffMs(held.attempts, (deps.random ?? Math.random)()),
    nowMs,
  });
}

async function effectOf(
  deps: IntentWorkerDeps,
  handler: IntentHandler,
  held: HeldIntent,
  stop: AbortSignal,
): Promise<ActResult> {
  const signal = AbortSignal.any([stop, AbortSignal.timeout(ACT_MS)]);
  const aborted = Promise.withResolvers<never>();
  const abort = () => aborted.reject(signal.reason);
  signal.addEventListener("abort", abort, { once: true });
  try {
    const doing = held.status === "unknown" ? handler.ask(held, signal) : handler.act(held, signal);
    // A handler that does not hear the signal must not hold the executor.
    return await Promise.race([doing, aborted.promise]);
  } catch (error) {
    deps.onTrouble(error, held.intentId);
    return { kind: "unknown", detail: "It was begun, and it is not known yet whether it happened." };
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

function callOf(
  deps: IntentWorkerDeps,
  { method }: IntentHandler,
  held: HeldIntent,
  signal: AbortSignal,
): CommandCall {
  return {
    // The waiting command's, so that its answer names the request that it answers.
    requestId: held.commandId === undefined ? `req_${randomUUID()}` : held.requestId,
    signal,
    method,
    principal: { ...deps.principal, org: held.tenant },
    idempotencyKey: held.intentId,
  };
}
