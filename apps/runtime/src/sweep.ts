// What the runtime looks after by itself, now and then, in its own name. What a
// crash interrupts is found again by the next look, since the state is all there is to it.

import { randomUUID } from "node:crypto";
import { methodsOf, type CommandCall, type Contract, type Principal } from "@openagents/contracts";
import type { Logger } from "@openagents/service";

/** Call `act` once, `ms` from now; the answer calls it off. What `act` answers ends when it has. */
export type After = (ms: number, act: () => Promise<void>) => () => void;

export type Sweep = {
  /** For the log: `incidents`. */
  readonly what: string;
  readonly everyMs: number;
  readonly log: Logger;
  /** The process's own timers when absent. */
  readonly after?: After | undefined;
  /** One look. It ends soon when the signal aborts; what it throws is logged, and the next look comes all the same. */
  readonly look: (signal: AbortSignal) => Promise<void>;
};

/** Start looking; disposing it waits for the look that goes on. */
export function startSweep({ what, everyMs, log, look, after = afterOnTimer }: Sweep): AsyncDisposable {
  const stopped = new AbortController();
  let looking: Promise<void> = Promise.resolve();
  const turn = () => {
    looking = look(stopped.signal)
      .catch((error: unknown) => log.warn({ err: error }, `${what} were not looked at`))
      .finally(() => {
        if (!stopped.signal.aborted) callOff = after(everyMs, turn);
      });
    return looking;
  };
  let callOff = after(everyMs, turn);
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort();
      callOff();
      await looking;
    },
  };
}

function afterOnTimer(ms: number, act: () => Promise<void>): () => void {
  const timer = setTimeout(() => void act(), ms);
  return () => clearTimeout(timer);
}

/**
 * A call of the runtime itself; for an organisation's affairs, in that
 * organisation. Its key is its own: the state keeps a step from being
 * taken twice.
 */
export function runtimeCall(
  contract: Contract,
  localName: string,
  scope: string,
  signal: AbortSignal,
  org = "org_operator",
): CommandCall {
  const method = methodsOf(contract).find((each) => each.localName === localName);
  if (method === undefined) throw new Error(`the contract has no ${localName}`);
  const principal = runtimePrincipal(scope, org);
  return { requestId: `req_${randomUUID()}`, signal, method, principal, idempotencyKey: randomUUID() };
}

/** The runtime itself, in an organisation. */
export function runtimePrincipal(scope: string, org: string): Principal {
  return {
    id: "svc_runtime",
    kind: "service",
    org,
    scopes: new Set(["admin", scope]),
    zoneTenths: 0,
    tokenId: "svc_runtime",
  };
}
