// What streams need now and then: their heads in the log, the old events of
// those that keep no more, the figures of the market.

import type { Authority, Announcer } from "@openagents/authority";
import { ProblemError, Streams } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { startSweep, type After, type Logger } from "@openagents/service";
import { runtimeCall } from "../runtime-call.ts";
import { publishStats } from "./publish-stats.ts";
import { sealStreamHead } from "./seal-head.ts";
import { listOverfull, listUnsealed } from "./store.ts";
import { trimStream } from "./trim.ts";

export type StreamSweepDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly announcer: Pick<Announcer, "takeChanged">;
  readonly log: Logger;
  /** A minute when absent. */
  readonly everyMs?: number | undefined;
  readonly after?: After | undefined;
};

const EVERY_MS = 60_000;
const PAGE = 200;
const SCOPE = "streams:seal";

/** Start looking; disposing it waits for the look that goes on. */
export function startStreamSweep(deps: StreamSweepDeps): AsyncDisposable {
  // What changed before this process began, or in one that was killed, is looked for once.
  let lookedAtAll = false;
  const look = async (signal: AbortSignal) => {
    await attempt(() => publishStats(deps, runtimeCall(Streams, "publishStats", SCOPE, signal)));
    const changed = deps.announcer.takeChanged();
    const lookAtAll = !lookedAtAll;
    // Until this look is through, what it took up is known to nobody else.
    lookedAtAll = false;
    if (lookAtAll) lookedAtAll = await sealUnsealed(deps, signal);
    else {
      await sealAll(deps, changed, signal);
      lookedAtAll = true;
    }
    await trimOverfull(deps, signal);
  };
  return startSweep({
    what: "streams",
    everyMs: deps.everyMs ?? EVERY_MS,
    log: deps.log,
    after: deps.after,
    look,
  });
}

/** Page by page over all streams. Answers whether it came to the end. */
async function sealUnsealed(deps: StreamSweepDeps, signal: AbortSignal): Promise<boolean> {
  let after = "";
  for (;;) {
    const page = await listUnsealed(deps.db, after, PAGE);
    await sealAll(
      deps,
      page.filter(({ unsealed }) => unsealed).map(({ streamId }) => streamId),
      signal,
    );
    const last = page.at(-1);
    if (signal.aborted) return false;
    if (last === undefined || page.length < PAGE) return true;
    after = last.streamId;
  }
}

async function sealAll(
  deps: StreamSweepDeps,
  streamIds: Iterable<string>,
  signal: AbortSignal,
): Promise<void> {
  for (const streamId of streamIds) {
    if (signal.aborted) return;
    const call = runtimeCall(Streams, "sealStreamHead", SCOPE, signal);
    await attempt(() => sealStreamHead(deps, call, streamId));
  }
}

async function trimOverfull(deps: StreamSweepDeps, signal: AbortSignal): Promise<void> {
  let after = "";
  for (;;) {
    const page = await listOverfull(deps.db, after, PAGE);
    for (const streamId of page) {
      if (signal.aborted) return;
      after = streamId;
      const call = runtimeCall(Streams, "trimStream", SCOPE, signal);
      await attempt(() => trimStream(deps, call, streamId));
    }
    if (page.length < PAGE) return;
  }
}

/** A freeze is no failure: a later look does it. */
async function attempt(step: () => Promise<unknown>): Promise<void> {
  try {
    await step();
  } catch (error) {
    if (!(error instanceof ProblemError && error.code === "writes_frozen")) throw error;
  }
}
