import { CodexWorkers, bind, type Binding, type CodexWorker as WorkerMessage } from "@openagents/contracts";
import type { Queryable } from "@openagents/postgres";
import { PAGE_DEFAULT, decodeCursor, encodeCursor, notFound } from "@openagents/service";
import { findHead, listEvents, staleCursor } from "../stream-reads/index.ts";
import { callMessage } from "./call.ts";
import { countUnanswered, findCall } from "./call-store.ts";
import { answerCall, claimCall, requestWorker, sweepCalls, within } from "./calls.ts";
import { requireWorker, type CodexWorkerDeps } from "./deps.ts";
import { appendEvents, createCodexWorker, stopCodexWorker } from "./service.ts";
import { listWorkers } from "./store.ts";
import { workerMessage, workerStream, type CodexWorker } from "./worker.ts";

/** Sorts after every id. */
const AFTER_ALL = "cwk_g";

const EVENTS_DEFAULT = 200;

export function codexWorkerRoutes(deps: CodexWorkerDeps): Binding {
  const { db } = deps;
  return bind(CodexWorkers, {
    createCodexWorker: (request, call) => createCodexWorker(deps, call, request),
    appendCodexWorkerEvents: (request, call) => appendEvents(deps, call, request),
    stopCodexWorker: (request, call) => stopCodexWorker(deps, call, request),
    requestCodexWorker: (request, call) => requestWorker(deps, call, request),
    claimCodexWorkerCall: (request, call) => claimCall(deps, call, request),
    answerCodexWorkerCall: (request, call) => answerCall(deps, call, request),
    sweepCodexWorkerCalls: (_request, call) => sweepCalls(deps, call, false),

    async listCodexWorkers(request, call) {
      const before =
        request.cursor === undefined ? AFTER_ALL : decodeCursor(request.cursor, /^cwk_[0-9a-f]{32}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const owner = await deps.personOf(db, call.principal);
      const { org } = call.principal;
      const found = await listWorkers(db, org, owner, before, request.status ?? "", limit + 1);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return {
        workers: await messagesOf(deps, db, page),
        nextCursor: last === undefined ? undefined : encodeCursor(last.workerId),
      };
    },

    async getCodexWorker({ workerId }, call) {
      return { worker: await messageOf(deps, db, await requireWorker(deps, db, call.principal, workerId)) };
    },

    async getCodexWorkerStream({ workerId, afterSeq = 0n, limit = EVENTS_DEFAULT }, call) {
      const worker = await requireWorker(deps, db, call.principal, workerId);
      const stream = workerStream(workerId);
      const head = await findHead(db, stream);
      if (afterSeq < head.floorSeq) throw staleCursor(stream, head, afterSeq);
      const events = await listEvents(db, stream, afterSeq, limit);
      return {
        worker: await messageOf(deps, db, worker),
        streamId: stream,
        headSeq: head.headSeq,
        syncTokenRoute: "/api/sync/token",
        events: events.map(({ seq, kind, payload, occurredAtMs }) => ({
          seq,
          eventType: kind,
          payload,
          occurredAt: occurredAtMs,
        })),
      };
    },

    async getCodexWorkerCall({ workerId, requestId, waitMs = 0 }, call) {
      await requireWorker(deps, db, call.principal, workerId);
      const giveUpAtMs = deps.nowMs() + waitMs;
      for (;;) {
        const changed = deps.follower.mayHaveChanged(workerStream(workerId));
        const there = await findCall(db, workerId, requestId);
        if (there === undefined) throw notFound("request", requestId);
        const leftMs = giveUpAtMs - deps.nowMs();
        const over = leftMs <= 0 || call.signal.aborted || deps.follower.closed;
        if (there.status === "answered" || over) return { call: callMessage(there) };
        await within(changed, leftMs, call.signal);
      }
    },
  });
}

async function messageOf(deps: CodexWorkerDeps, q: Queryable, worker: CodexWorker): Promise<WorkerMessage> {
  const unanswered = await countUnanswered(q, [worker.workerId]);
  return workerMessage(worker, unanswered.get(worker.workerId) ?? 0n, deps.nowMs());
}

async function messagesOf(
  deps: CodexWorkerDeps,
  q: Queryable,
  workers: readonly CodexWorker[],
): Promise<WorkerMessage[]> {
  const unanswered = await countUnanswered(
    q,
    workers.map(({ workerId }) => workerId),
  );
  const nowMs = deps.nowMs();
  return workers.map((worker) => workerMessage(worker, unanswered.get(worker.workerId) ?? 0n, nowMs));
}
