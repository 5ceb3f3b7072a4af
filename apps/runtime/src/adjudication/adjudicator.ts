// Nobody has to ask for an adjudication: this looks at the undecided incidents
// now and then and takes each one step on. What a crash interrupts is found
// again by the next look, since an incident's state is all there is to it.

import { randomUUID } from "node:crypto";
import { Fraud, ProblemError, methodsOf, type CommandCall, type Principal } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import type { Logger } from "@openagents/service";
import { listUndecided } from "../fraud/index.ts";
import { NO_RESERVE_WORKER, adjudicateIncident, type AdjudicationDeps } from "./adjudicate.ts";

export type AdjudicatorDeps = AdjudicationDeps & { readonly db: Database; readonly log: Logger };

const LOOK_EVERY_MS = 1_000;
const PAGE = 50;

/** The incident waits until the operator's reserve is there, and writes are active. */
const WAITS = new Set([NO_RESERVE_WORKER, "writes_frozen"]);

/** The runtime itself, in its own name. */
const RUNTIME: Principal = {
  id: "svc_runtime",
  kind: "service",
  org: "org_operator",
  scopes: new Set(["admin", "fraud:adjudicate"]),
  zoneTenths: 0,
  tokenId: "svc_runtime",
};

/** Start looking; disposing it waits for the look that goes on. */
export function startAdjudicator(deps: AdjudicatorDeps): AsyncDisposable {
  const stopped = new AbortController();
  let timer: NodeJS.Timeout | undefined;
  let looking: Promise<void> = Promise.resolve();
  const look = () => {
    looking = takeAllOn(deps, stopped.signal)
      .catch((error: unknown) => deps.log.warn({ err: error }, "incidents were not looked at"))
      .finally(() => {
        if (!stopped.signal.aborted) timer = setTimeout(look, LOOK_EVERY_MS);
      });
  };
  timer = setTimeout(look, LOOK_EVERY_MS);
  return {
    async [Symbol.asyncDispose]() {
      stopped.abort();
      clearTimeout(timer);
      await looking;
    },
  };
}

/** All of them, page by page: one that waits or is broken holds up no other. */
async function takeAllOn(deps: AdjudicatorDeps, signal: AbortSignal): Promise<void> {
  let after = "";
  for (;;) {
    const page = await listUndecided(deps.db, after, PAGE);
    for (const { incidentId } of page) {
      if (signal.aborted) return;
      after = incidentId;
      await adjudicateIncident(deps, callOf(signal), { incidentId }).catch((error: unknown) => {
        if (error instanceof ProblemError && WAITS.has(error.code)) return;
        deps.log.warn({ err: error, incident_id: incidentId }, "an incident was not taken on");
      });
    }
    if (page.length < PAGE) return;
  }
}

/** Each look has a key of its own: the incident's lock and state keep a step from being taken twice. */
function callOf(signal: AbortSignal): CommandCall {
  const method = methodsOf(Fraud).find(({ name }) => name.endsWith("AdjudicateIncident"));
  if (method === undefined) throw new Error("the contract has no AdjudicateIncident");
  return {
    requestId: `req_${randomUUID()}`,
    signal,
    method,
    principal: RUNTIME,
    idempotencyKey: randomUUID(),
  };
}
