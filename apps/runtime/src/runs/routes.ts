import { signStored } from "@openagents/authority";
import { Readable } from "node:stream";
import {
  Runs,
  bind,
  type Binding,
  type CancelRunRequest,
  type CommandCall,
  type CommandReply,
} from "@openagents/contracts";
import { gatherReads, type Database } from "@openagents/postgres";
import { canonicalize } from "@openagents/receipts";
import { decodeCursor, encodeCursor, notFound, PAGE_DEFAULT } from "@openagents/service";
import { sealBundle, type BundleDeps } from "./bundle.ts";
import { acquireExecutor, recordLostExecutor, releaseExecutor, renewExecutor } from "./executor-service.ts";
import { followRun, type FollowDeps } from "./follow-run.ts";
import { forkRun } from "./fork.ts";
import { listLineage } from "./lineage.ts";
import { replayHead, replayLine, replayTail } from "./replay.ts";
import { runReceipt } from "./receipt.ts";
import type { Run } from "./run.ts";
import { appendRunEvent, createRun, type AppendDeps } from "./service.ts";
import { findRun, findRuns, listReceiptEvents, listRuns, type RunKey } from "./store.ts";
import { eventMessage, runMessage } from "./wire.ts";

export type RunRoutesDeps = BundleDeps &
  AppendDeps &
  FollowDeps & {
    readonly db: Database;
    /** Canceling reaches into jobs and money, which know runs; so it is given from above. */
    readonly cancelRun: (request: CancelRunRequest, call: CommandCall) => Promise<CommandReply>;
  };

/** Sorts after every run id. */
const AFTER_ALL_RUNS = "run_g";

const EVENTS_DEFAULT = 100;

const REPLAY_PAGE = 500;

export function runRoutes(deps: RunRoutesDeps): Binding {
  // Runs are asked for again and again by those who follow them.
  const readRun = gatherReads((keys: readonly RunKey[]) => findRuns(deps.db, keys));
  const follow = followRun(deps);
  return bind(
    Runs,
    {
      createRun: (request, call) => createRun(deps, call, request),
      appendRunEvent: (request, call) => appendRunEvent(deps, call, request),
      sealBundle: (request, call) => sealBundle(deps, call, request),
      acquireExecutor: (request, call) => acquireExecutor(deps, call, request),
      renewExecutor: (request, call) => renewExecutor(deps, call, request),
      releaseExecutor: (request, call) => releaseExecutor(deps, call, request),
      recordLostExecutor: (request, call) => recordLostExecutor(deps, call, request),
      cancelRun: deps.cancelRun,
      forkRun: (request, call) => forkRun(deps, call, request),

      async listRuns(request, call) {
        const before =
          request.cursor === undefined ? AFTER_ALL_RUNS : decodeCursor(request.cursor, /^run_[0-9a-f]{32}$/);
        const limit = request.limit ?? PAGE_DEFAULT;
        // One more than asked tells whether there is a next page.
        const found = await listRuns(deps.db, call.principal.org, before, limit + 1, request.status);
        const runs = found.slice(0, limit);
        const last = found.length > limit ? runs.at(-1) : undefined;
        return {
          runs: runs.map(runMessage),
          nextCursor: last === undefined ? undefined : encodeCursor(last.runId),
        };
      },

      async getRun(request, call) {
        const run = await readRun({ org: call.principal.org, runId: request.runId });
        if (run === undefined) throw notFound("run", request.runId);
        return { run: runMessage(run) };
      },

      async listRunEvents(request, call) {
        const run = await requireRun(deps.db, call.principal.org, request.runId);
        const limit = request.limit ?? EVENTS_DEFAULT;
        const events = await listLineage(deps.db, run, request.afterSeq ?? 0n, run.latestSeq, limit);
        return { events: events.map(eventMessage), latestSeq: run.latestSeq };
      },

      async getRunReceipt(request, call) {
        const run = await requireRun(deps.db, call.principal.org, request.runId);
        const events = await listReceiptEvents(deps.db, run.runId, run.latestSeq);
        return signStored(deps.signer, canonicalize(runReceipt(run, events)));
      },

      async getRunReplay(request, call) {
        const run = await requireRun(deps.db, call.principal.org, request.runId);
        return { contentType: "application/x-ndjson", data: Readable.from(replay(deps.db, run)) };
      },
    },
    {
      async listRunEvents(request, call, lastEventId) {
        const run = await requireRun(deps.db, call.principal.org, request.runId);
        return follow(run, request, call, lastEventId);
      },
    },
  );
}

async function requireRun(db: Database, org: string, runId: string): Promise<Run> {
  const run = await findRun(db, org, runId);
  if (run === undefined) throw notFound("run", runId);
  return run;
}

/** Page by page, up to the event that was the last when the reading began. */
async function* replay(db: Database, run: Run): AsyncGenerator<string> {
  yield replayHead(run);
  for (let after = 0n; after < run.latestSeq;) {
    const events = await listLineage(db, run, after, run.latestSeq, REPLAY_PAGE);
    const last = events.at(-1);
    if (last === undefined) throw new Error(`${run.runId} has no event after ${after}`);
    yield events.map((event) => replayLine(run, event)).join("");
    after = last.seq;
  }
  yield replayTail(run);
}
