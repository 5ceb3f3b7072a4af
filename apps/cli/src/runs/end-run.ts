// A person's word that ends a run: accept or reject what waits for a review, or
// cancel what is under way.

import type { ClientSettings, RunOutcome } from "@openagents/autopilot";
import type { Context } from "../context.ts";
import { clientOf, openPlace, openProviders, stopPlace, waitForUsers } from "../place/index.ts";
import type { StepList, Style } from "../terminal/index.ts";
import { runDeps } from "./deps.ts";
import { showRun } from "./show-run.ts";

export type Word = "accepted" | "rejected" | "canceled";

export type EndRun = {
  readonly runId: string;
  readonly word: Word;
  readonly note: string;
  readonly dataDir: string;
  /** Another's runtime, which has the run; this computer's stack where undefined. */
  readonly remote: ClientSettings | undefined;
  readonly signal: AbortSignal;
};

/** On the named runtime, the running stack, or one that is started for it. Throws what the library throws. */
export async function endRun(
  context: Context,
  { runId, word, note, dataDir, remote, signal }: EndRun,
  steps: StepList,
  style: Style,
): Promise<RunOutcome> {
  const { cancelRun, reviewRun } = await import("@openagents/autopilot");
  if (remote !== undefined) {
    const there = { ...runDeps(context, remote, dataDir, signal), ...showRun(steps, style) };
    return word === "canceled" ? await cancelRun(there, runId) : await reviewRun(there, runId, word, note);
  }
  await using parts = new AsyncDisposableStack();
  const place = await openPlace(context, { dataDir, portBase: undefined, keep: false, signal }, steps);
  parts.defer(() => stopPlace(place, steps));
  const deps = { ...runDeps(context, clientOf(context, place), dataDir, signal), ...showRun(steps, style) };
  // Awaited here, because leaving this function stops what the run needs.
  if (word !== "canceled") {
    parts.defer(() => waitForUsers(place, signal, steps));
    return await reviewRun(deps, runId, word, note);
  }
  // What was ordered from a provider of ours is finished or given back while it runs; what takes longer than
  // the ending waits stays set aside, and another cancel settles it.
  const providers = await openProviders(context, place, { dataDir, signal }, steps);
  parts.defer(() => providers.stop());
  parts.defer(() => waitForUsers(place, signal, steps));
  return await cancelRun(deps, runId);
}
