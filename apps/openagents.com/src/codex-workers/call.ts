// What is asked of a worker, and the one answer that it gets.
//
// CALL-1  A call has at most one terminal answer, and that never changes.
// CALL-2  Calls are given out in the order in which they were asked, those of one thread one at a time.
// CALL-3  A call that a process took and did not answer is given to the next process of the same device.
// CALL-4  Every call is answered: by its device, or for it once its deadline has passed. The
//         time in which this service was away counts against no device that took one.
// Held by tests/codex-workers.pg.test.ts.

import type { Command } from "@openagents/authority";
import type {
  CodexWorkerCall as CallMessage,
  CodexWorkerCallStatus,
  CodexWorkerError,
  JsonObject,
} from "@openagents/contracts";
import type { Write } from "@openagents/postgres";
import type { CodexWorker } from "./worker.ts";

export type CallAnswer = { readonly response: JsonObject } | { readonly error: CodexWorkerError };

export type WorkerCall = {
  readonly workerId: string;
  readonly requestId: string;
  readonly ordinal: bigint;
  readonly requestedBy: string;
  readonly method: string;
  readonly params: JsonObject;
  readonly threadId: string | undefined;
  readonly status: CodexWorkerCallStatus;
  /** Whether it waits for a device that is away. */
  readonly waits: boolean;
  readonly claimSession: string | undefined;
  readonly claims: number;
  readonly deadlineMs: number;
  readonly answer: CallAnswer | undefined;
  readonly createdAtMs: number;
  readonly answeredAtMs: number | undefined;
};

export const TURN_START = "turn/start";
export const TURN_INTERRUPT = "turn/interrupt";

/** What a worker may be asked for; whether its agent can is the device's answer. */
export const METHODS: ReadonlySet<string> = new Set([
  "thread/start",
  "thread/resume",
  "thread/list",
  "thread/read",
  TURN_START,
  TURN_INTERRUPT,
  "sandbox/run",
  "run/demo",
]);

const NEEDS_THREAD: ReadonlySet<string> = new Set([
  "thread/resume",
  "thread/read",
  TURN_START,
  TURN_INTERRUPT,
]);

/** How long a message waits for a device that is away. */
export const WAITS_MS = 7 * 86_400_000;

/** How long a device that took a call may be away before it is answered for; every poll renews it. */
export const HELD_MS = 900_000;

export const TIMEOUT_DEFAULT_MS = 30_000;

/** The answer that a call has at once, whoever would carry it out; undefined where the device has to. In order of precedence. */
export function decideAtOnce(
  call: Pick<WorkerCall, "method" | "threadId" | "waits">,
  online: boolean,
): CodexWorkerError | undefined {
  if (!METHODS.has(call.method))
    return failure("unsupported_method", `No worker does ${call.method}.`, false);
  if (NEEDS_THREAD.has(call.method) && call.threadId === undefined)
    return failure("invalid_request", `${call.method} needs a thread.`, false);
  if (!call.waits && !online)
    return failure("worker_unavailable", "The worker's device is away. Try again when it is back.", true);
  return undefined;
}

export function failure(
  code: CodexWorkerError["code"],
  message: string,
  retryable: boolean,
): CodexWorkerError {
  return { code, message, retryable };
}

/** What of a turn a device tells. */
export type TurnEvent = {
  readonly kind: "started" | "delta" | "tool";
  readonly itemId: string;
  readonly text: string;
  readonly payload: JsonObject;
};

/** Where the turns of threads are told of; workers know no threads. */
export type TurnSink = {
  /** Inside of the transaction that takes the events, with the worker locked. */
  told(
    command: Command,
    worker: CodexWorker,
    call: WorkerCall,
    events: readonly TurnEvent[],
    nowMs: number,
  ): Promise<Write[]>;
  ended(
    command: Command,
    worker: CodexWorker,
    call: WorkerCall,
    answer: CallAnswer,
    nowMs: number,
  ): Promise<Write[]>;
};

export function callMessage(call: WorkerCall): CallMessage {
  return {
    workerId: call.workerId,
    requestId: call.requestId,
    method: call.method,
    params: call.params,
    threadId: call.threadId,
    status: call.status,
    ...call.answer,
    claims: call.claims,
    createdAt: call.createdAtMs,
    deadlineAt: call.deadlineMs,
    answeredAt: call.answeredAtMs,
  };
}
