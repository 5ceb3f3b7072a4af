// The commands of calls: ask, take, answer, and answer for who is away.

import { ProblemError } from "@openagents/contracts";
import type {
  AnswerCodexWorkerCallRequest,
  AnswerCodexWorkerCallResponse,
  ClaimCodexWorkerCallRequest,
  ClaimCodexWorkerCallResponse,
  CodexWorkerError,
  CommandCall,
  CommandReply,
  RequestCodexWorkerRequest,
  RequestCodexWorkerResponse,
  SweepCodexWorkerCallsResponse,
} from "@openagents/contracts";
import type { Write } from "@openagents/postgres";
import { canonicalize } from "@openagents/receipts";
import { notFound } from "@openagents/service";
import {
  HELD_MS,
  TIMEOUT_DEFAULT_MS,
  callMessage,
  failure,
  type CallAnswer,
  type WorkerCall,
} from "./call.ts";
import { findCall, findNext, listDue, renewHeld, updateCall } from "./call-store.ts";
import { requireLockedWorker, requireOwnDevice, type CodexWorkerDeps } from "./deps.ts";
import { endCall } from "./end-call.ts";
import { openCall } from "./open-call.ts";
import { stopped } from "./service.ts";
import { lockWorker, markSeen } from "./store.ts";
import { SEEN_EVERY_MS, isOnline, workerStream, type CodexWorker } from "./worker.ts";

export function requestWorker(
  deps: CodexWorkerDeps,
  call: CommandCall,
  request: RequestCodexWorkerRequest,
): Promise<CommandReply> {
  return deps.authority.execute<RequestCodexWorkerResponse>(call, request, async (command) => {
    const worker = await requireLockedWorker(deps, command.tx, call.principal, request.workerId);
    const { requestId, method, params, threadId } = request;
    if (threadId !== undefined && !(await deps.ownsThread(command.tx, worker.org, worker.owner, threadId)))
      throw notFound("thread", threadId);
    const there = await findCall(command.tx, worker.workerId, requestId);
    if (there !== undefined) {
      if (!isSame(there, request)) {
        return {
          kind: "refused",
          rule: "state",
          reason: "request_id_reused",
          detail: `${requestId} was another request of this worker. Choose a new id.`,
        };
      }
      return { kind: "answer", output: { call: callMessage(there) }, writes: [] };
    }
    const nowMs = command.nowMs();
    const deadlineMs = nowMs + (request.timeoutMs ?? TIMEOUT_DEFAULT_MS);
    const draft = { requestId, method, params, threadId, waits: false, deadlineMs };
    const opened = await openCall(deps.turns, command, worker, draft, nowMs);
    return { kind: "answer", output: { call: callMessage(opened.call) }, writes: opened.writes };
  });
}

function isSame(call: WorkerCall, { method, params, threadId }: RequestCodexWorkerRequest): boolean {
  return (
    call.method === method && call.threadId === threadId && canonicalize(call.params) === canonicalize(params)
  );
}

/** Take the next call, waiting for one as long as the request says. */
export async function claimCall(
  deps: CodexWorkerDeps,
  call: CommandCall,
  request: ClaimCodexWorkerCallRequest,
): Promise<CommandReply> {
  const { sessionId, holding } = request;
  const stream = workerStream(request.workerId);
  const giveUpAtMs = deps.nowMs() + (request.waitMs ?? 0);
  for (let looks = 0; ; looks += 1) {
    const changed = deps.follower.mayHaveChanged(stream);
    let claimed = false;
    const reply = await deps.authority.perform<ClaimCodexWorkerCallResponse>(call, async (command) => {
      const worker = await requireOwnDevice(deps, command.tx, call.principal, request.workerId);
      if (worker.status === "stopped") return stopped(worker);
      const nowMs = command.nowMs();
      const writes: Write[] = [];
      if (nowMs - (worker.lastSeenAtMs ?? 0) >= SEEN_EVERY_MS) writes.push(markSeen(worker.workerId, nowMs));
      if (looks === 0 && holding.length > 0)
        writes.push(renewHeld(worker.workerId, sessionId, holding, nowMs + HELD_MS));
      const next = await findNext(command.tx, worker.workerId, holding, nowMs);
      if (next === undefined)
        return writes.length === 0 ? { kind: "nothing", output: {} } : { kind: "answer", output: {}, writes };
      claimed = true;
      const taken: WorkerCall = {
        ...next,
        status: "claimed",
        claimSession: sessionId,
        claims: next.claims + 1,
        deadlineMs: next.waits ? nowMs + HELD_MS : next.deadlineMs,
      };
      return { kind: "answer", output: { call: callMessage(taken) }, writes: [...writes, updateCall(taken)] };
    });
    const waitMs = giveUpAtMs - deps.nowMs();
    if (claimed || reply.status !== call.method.successStatus) return reply;
    if (waitMs <= 0 || call.signal.aborted || deps.follower.closed) return reply;
    // No transaction is open here: a waiting device holds no connection.
    await within(changed, waitMs, call.signal);
  }
}

/** Wait for `changed`, but no longer than `waitMs`, nor for a caller who went away. */
export async function within(changed: Promise<void>, waitMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, waitMs);
  signal.addEventListener("abort", () => resolve(), { once: true });
  await Promise.race([changed, promise]);
  clearTimeout(timer);
}

export function answerCall(
  deps: CodexWorkerDeps,
  call: CommandCall,
  request: AnswerCodexWorkerCallRequest,
): Promise<CommandReply> {
  return deps.authority.execute<AnswerCodexWorkerCallResponse>(call, request, async (command) => {
    const worker = await requireOwnDevice(deps, command.tx, call.principal, request.workerId);
    const there = await findCall(command.tx, worker.workerId, request.requestId);
    if (there === undefined) throw notFound("request", request.requestId);
    if (there.status === "answered") {
      return {
        kind: "refused",
        rule: "state",
        reason: "already_answered",
        detail: `${request.requestId} has its answer already, and keeps it.`,
      };
    }
    if (there.status === "open") {
      return {
        kind: "refused",
        rule: "state",
        reason: "request_not_held",
        detail: `Claim ${request.requestId} before answering it.`,
      };
    }
    const nowMs = command.nowMs();
    const ended = await endCall(deps.turns, command, worker, there, answerOf(request), nowMs);
    return {
      kind: "answer",
      output: { call: callMessage(ended.call) },
      writes: [updateCall(ended.call), ...ended.writes],
    };
  });
}

function answerOf({ response, error }: AnswerCodexWorkerCallRequest): CallAnswer {
  if (error !== undefined) return { error };
  if (response !== undefined) return { response };
  throw new ProblemError({ status: 400, code: "answer_required", detail: "Give a response or an error." });
}

/** Whether anybody had it tells whoever asked if it may have been done. */
function errorOfDue(worker: CodexWorker, { status }: WorkerCall, nowMs: number): CodexWorkerError {
  if (worker.status === "stopped")
    return failure("worker_unavailable", "The worker was stopped before it answered.", true);
  return status === "open" && !isOnline(worker, nowMs)
    ? failure("worker_unavailable", "The worker's device was away until the time was over.", true)
    : failure("timeout", "The worker did not answer in time.", true);
}

const SWEEP_MAX = 100;

/**
 * Answer what is due, each in a transaction of its own: several may belong to one
 * thread. `spared`: what a device took may be waiting for this service, and not the
 * other way round, so that nothing of it is due yet.
 */
export async function sweepCalls(
  deps: CodexWorkerDeps,
  call: CommandCall,
  spared: boolean,
): Promise<CommandReply> {
  let answered = 0;
  for (const due of await listDue(deps.db, deps.nowMs(), spared, SWEEP_MAX)) {
    await deps.authority.perform<SweepCodexWorkerCallsResponse>(call, async (command) => {
      const worker = await lockWorker(command.tx, due.workerId);
      const there = await findCall(command.tx, due.workerId, due.requestId);
      const nowMs = command.nowMs();
      if (worker === undefined || there === undefined) return { kind: "nothing", output: { answered } };
      if (there.status === "answered" || there.deadlineMs > nowMs)
        return { kind: "nothing", output: { answered } };
      const error = errorOfDue(worker, there, nowMs);
      const ended = await endCall(deps.turns, command, worker, there, { error }, nowMs);
      answered += 1;
      return { kind: "answer", output: { answered }, writes: [updateCall(ended.call), ...ended.writes] };
    });
  }
  return deps.authority.perform<SweepCodexWorkerCallsResponse>(call, async () => ({
    kind: "nothing",
    output: { answered },
  }));
}
