import { startIntentWorker, type Authority } from "@openagents/authority";
import type { Offers } from "../jobs/index.ts";
import { runtimePrincipal } from "../runtime-call.ts";
import { pushHandler, type PushDeps } from "./push-handler.ts";

/** Carry out pushes from now on; an offer that is announced is looked at at once. */
export function startPushes(
  deps: PushDeps & {
    readonly authority: Authority;
    readonly offers: Offers;
    readonly nowMs: () => number;
  },
): AsyncDisposable {
  const worker = startIntentWorker({
    db: deps.db,
    authority: deps.authority,
    nowMs: deps.nowMs,
    handlers: [pushHandler(deps)],
    principal: runtimePrincipal("jobs:push", "org_operator"),
    onTrouble: (error, intentId) =>
      deps.log.warn({ err: error, intent_id: intentId }, "a push was interrupted"),
  });
  deps.offers.onAnnounce(() => worker.wake());
  return worker;
}
