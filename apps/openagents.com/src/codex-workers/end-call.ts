// The end of a call, whoever answers it: one answer, on the worker's stream, and
// told to the thread that it belongs to.

import { eventDraft, streamEventsWrite, type Command } from "@openagents/authority";
import type { Write } from "@openagents/postgres";
import type { JsonObject } from "@openagents/receipts";
import { TURN_START, type CallAnswer, type TurnSink, type WorkerCall } from "./call.ts";
import { workerStream, type CodexWorker } from "./worker.ts";

export type EndedCall = { readonly call: WorkerCall; readonly writes: readonly Write[] };

/** The writes but for the call's own row, which the caller inserts or updates. */
export async function endCall(
  turns: TurnSink,
  command: Command,
  worker: CodexWorker,
  call: WorkerCall,
  answer: CallAnswer,
  nowMs: number,
): Promise<EndedCall> {
  const ended: WorkerCall = { ...call, status: "answered", answer, answeredAtMs: nowMs };
  const told =
    call.method === TURN_START && call.threadId !== undefined
      ? await turns.ended(command, worker, ended, answer, nowMs)
      : [];
  return { call: ended, writes: [eventWrite(worker, answerEvent(ended, answer, nowMs), nowMs), ...told] };
}

export type WorkerEvent = { readonly type: string; readonly payload: JsonObject };

export function eventWrite(worker: CodexWorker, event: WorkerEvent, nowMs: number): Write {
  return eventsWrite(worker, [event], nowMs);
}

export function eventsWrite(worker: CodexWorker, events: readonly WorkerEvent[], nowMs: number): Write {
  const stream = workerStream(worker.workerId);
  return streamEventsWrite(
    events.map(({ type, payload }) =>
      // Last, so that no device speaks as another one's worker.
      eventDraft(stream, worker.owner, type, { ...payload, worker_id: worker.workerId }, nowMs),
    ),
  );
}

/** What a worker is asked for, as its stream tells it. */
export function requestEvent(call: WorkerCall): WorkerEvent {
  const { requestId, method, params, threadId } = call;
  return {
    type: "worker.request",
    payload: {
      request_id: requestId,
      method,
      params,
      ...(threadId === undefined ? {} : { thread_id: threadId }),
    },
  };
}

function answerEvent({ requestId, method }: WorkerCall, answer: CallAnswer, nowMs: number): WorkerEvent {
  const common = { request_id: requestId, method, occurred_at: new Date(nowMs).toISOString() };
  return "error" in answer
    ? { type: "worker.error", payload: { ...common, ...answer.error } }
    : { type: "worker.response", payload: { ...common, ok: true, response: answer.response } };
}
