// Asking a worker for something, inside of a command that holds the worker's lock.

import type { Command } from "@openagents/authority";
import type { Write } from "@openagents/postgres";
import type { JsonObject } from "@openagents/receipts";
import { decideAtOnce, failure, type TurnSink, type WorkerCall } from "./call.ts";
import { insertCall, updateCall } from "./call-store.ts";
import { endCall, eventWrite, requestEvent } from "./end-call.ts";
import { upsertWorker } from "./store.ts";
import { isOnline, type CodexWorker } from "./worker.ts";

export type CallDraft = {
  readonly requestId: string;
  readonly method: string;
  readonly params: JsonObject;
  readonly threadId: string | undefined;
  readonly waits: boolean;
  readonly deadlineMs: number;
};

/** A call that is asked for here, or was answered for the device at once. */
export async function openCall(
  turns: TurnSink,
  command: Command,
  worker: CodexWorker,
  draft: CallDraft,
  nowMs: number,
): Promise<{ readonly call: WorkerCall; readonly writes: readonly Write[] }> {
  const call: WorkerCall = {
    ...draft,
    workerId: worker.workerId,
    ordinal: worker.requestCount + 1n,
    requestedBy: command.call.principal.id,
    status: "open",
    claimSession: undefined,
    claims: 0,
    answer: undefined,
    createdAtMs: nowMs,
    answeredAtMs: undefined,
  };
  const writes = [
    upsertWorker({ ...worker, requestCount: call.ordinal, updatedAtMs: nowMs }),
    eventWrite(worker, requestEvent(call), nowMs),
  ];
  const error = decideAtOnce(call, isOnline(worker, nowMs));
  if (error === undefined) return { call, writes: [insertCall(call), ...writes] };
  // A turn that never began tells its thread nothing.
  const ended = await endCall(turns, command, worker, { ...call, threadId: undefined }, { error }, nowMs);
  const answered = { ...ended.call, threadId: call.threadId };
  return { call: answered, writes: [insertCall(answered), ...writes, ...ended.writes] };
}

/** Take back a call that no process took. */
export async function withdrawCall(
  turns: TurnSink,
  command: Command,
  worker: CodexWorker,
  call: WorkerCall,
  nowMs: number,
): Promise<Write[]> {
  const error = failure("conflict", "It was taken back before the device had it.", false);
  const ended = await endCall(turns, command, worker, call, { error }, nowMs);
  return [updateCall(ended.call), ...ended.writes];
}
