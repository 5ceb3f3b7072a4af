// The commands of threads.

import { newId, streamEventsWrite, type Authority, type Command, type Refusal } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  CreateThreadRequest,
  CreateThreadResponse,
  InterruptThreadRequest,
  InterruptThreadResponse,
  JsonObject,
  PostThreadMessageRequest,
  PostThreadMessageResponse,
} from "@openagents/contracts";
import type { Database, Queryable } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import { findAutopilot, type Autopilot } from "../autopilots/index.ts";
import {
  TURN_INTERRUPT,
  TURN_START,
  WAITS_MS,
  findTurn,
  findWorker,
  isOnline,
  listWorkers,
  lockWorker,
  openCall,
  stopped,
  withdrawCall,
} from "../codex-workers/index.ts";
import type { PersonOf } from "../persons/index.ts";
import { chooseWorker } from "./choose-worker.ts";
import { findThread, lockThread, upsertMessages, upsertThread } from "./store.ts";
import { messageView, threadView, type Thread, type ThreadMessage } from "./thread.ts";
import { messageFacts, threadEvent, turnSink } from "./turns.ts";

export type ThreadCommandDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly personOf: PersonOf;
};

export function createThread(
  deps: ThreadCommandDeps,
  call: CommandCall,
  request: CreateThreadRequest,
): Promise<CommandReply> {
  return deps.authority.execute<CreateThreadResponse>(call, request, async (command) => {
    const { org } = call.principal;
    const owner = await deps.personOf(command.tx, call.principal);
    const autopilot = await autopilotNamed(command.tx, org, owner, request.autopilot);
    const { workerId } = request;
    if (workerId !== undefined && !(await ownsWorker(command.tx, org, owner, workerId)))
      throw notFound("worker", workerId);
    const nowMs = command.nowMs();
    const thread: Thread = {
      threadId: newId("thr", nowMs),
      org,
      owner,
      title: request.title ?? "New conversation",
      autopilotId: autopilot?.autopilotId,
      workerId,
      messageCount: 0n,
      lastMessageAtMs: undefined,
      createdAtMs: nowMs,
      updatedAtMs: nowMs,
    };
    const event = threadEvent(thread, "thread.created", { title: thread.title }, nowMs);
    return {
      kind: "answer",
      output: { thread: threadView(thread) },
      writes: [upsertThread(thread), streamEventsWrite([event])],
    };
  });
}

async function autopilotNamed(
  q: Queryable,
  org: string,
  owner: string,
  ref: string | undefined,
): Promise<Autopilot | undefined> {
  if (ref === undefined) return undefined;
  const found = await findAutopilot(q, org, owner, ref);
  if (found === undefined) throw notFound("autopilot", ref);
  return found;
}

/** Whether a worker is the person's. */
export async function ownsWorker(
  q: Queryable,
  org: string,
  owner: string,
  workerId: string,
): Promise<boolean> {
  const worker = await findWorker(q, workerId);
  return worker !== undefined && worker.org === org && worker.owner === owner;
}

export function postMessage(
  deps: ThreadCommandDeps,
  call: CommandCall,
  request: PostThreadMessageRequest,
): Promise<CommandReply> {
  return deps.authority.execute<PostThreadMessageResponse>(call, request, async (command) => {
    const found = await requireThread(deps, command.tx, call, request.threadId);
    const autopilot = await autopilotNamed(command.tx, found.org, found.owner, found.autopilotId);
    if (autopilot !== undefined && autopilot.status !== "active") {
      return refused(
        "autopilot_disabled",
        `${autopilot.displayName} is ${autopilot.status}. Enable it in the console first.`,
      );
    }
    const chosen = await workerFor(command, found, autopilot);
    if (typeof chosen !== "string") return chosen;
    // The worker before the thread, as whoever tells of a turn locks them.
    const worker = await lockWorker(command.tx, chosen);
    if (worker === undefined) throw notFound("worker", chosen);
    if (worker.status === "stopped") return stopped(worker);
    const thread = await lockThread(command.tx, found.threadId);
    const nowMs = command.nowMs();
    const message = personMessage(thread, request.text, nowMs);
    const draft = {
      requestId: message.messageId,
      method: TURN_START,
      params: turnParams(message, autopilot),
      threadId: thread.threadId,
      waits: true,
      deadlineMs: nowMs + WAITS_MS,
    };
    const opened = await openCall(turnSink, command, worker, draft, nowMs);
    const after: Thread = {
      ...thread,
      workerId: worker.workerId,
      messageCount: message.seq,
      lastMessageAtMs: nowMs,
      updatedAtMs: nowMs,
    };
    return {
      kind: "answer",
      output: {
        message: messageView(message),
        workerId: worker.workerId,
        deviceOnline: isOnline(worker, nowMs),
      },
      writes: [
        upsertMessages([message]),
        upsertThread(after),
        streamEventsWrite([threadEvent(thread, "message.created", messageFacts(message), nowMs)]),
        ...opened.writes,
      ],
    };
  });
}

/** The thread's own, else the autopilot's; who stands in for one that is away is the policy's. */
async function workerFor(
  command: Command,
  thread: Thread,
  autopilot: Autopilot | undefined,
): Promise<string | Refusal> {
  const choice = chooseWorker({
    named: thread.workerId ?? autopilot?.workerId,
    running: await listWorkers(command.tx, thread.org, thread.owner, "cwk_g", "running", RUNNING_MAX),
    fallbackOrder: autopilot?.policy.fallbackOrder ?? [],
    nowMs: command.nowMs(),
  });
  return choice.kind === "worker" ? choice.workerId : refused(choice.reason, CHOICE_DETAILS[choice.reason]);
}

/** More of one person's are not looked at. */
const RUNNING_MAX = 200;

const CHOICE_DETAILS = {
  no_worker: "None of your devices takes messages. Start `openagents device run` on one.",
  several_workers:
    "Several of your workers run. Name one when the thread is made, for its autopilot, or order them by `fallback_order`.",
} as const;

function personMessage(thread: Thread, text: string, nowMs: number): ThreadMessage {
  const messageId = newId("msg", nowMs);
  return {
    threadId: thread.threadId,
    seq: thread.messageCount + 1n,
    messageId,
    role: "user",
    status: "sent",
    text,
    tool: {},
    error: {},
    // One message is one request of the worker.
    requestId: messageId,
    itemId: "",
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

function turnParams({ messageId, text }: ThreadMessage, autopilot: Autopilot | undefined): JsonObject {
  if (autopilot === undefined) return { message_id: messageId, text };
  const { autopilotId, displayName, configVersion, profile } = autopilot;
  return {
    message_id: messageId,
    text,
    autopilot: {
      autopilot_id: autopilotId,
      display_name: displayName,
      config_version: Number(configVersion),
      persona_summary: profile.personaSummary,
      voice: profile.voice,
      principles: profile.principles,
    },
  };
}

export function interruptThread(
  deps: ThreadCommandDeps,
  call: CommandCall,
  request: InterruptThreadRequest,
): Promise<CommandReply> {
  return deps.authority.execute<InterruptThreadResponse>(call, request, async (command) => {
    const found = await requireThread(deps, command.tx, call, request.threadId);
    const worker = found.workerId === undefined ? undefined : await lockWorker(command.tx, found.workerId);
    const turn =
      worker === undefined ? undefined : await findTurn(command.tx, worker.workerId, found.threadId);
    if (worker === undefined || turn === undefined)
      return refused("no_turn", "Nothing goes on in this thread.");
    const nowMs = command.nowMs();
    const output = { requestId: turn.requestId };
    // One that no device has taken is taken back here.
    if (turn.status === "open")
      return { kind: "answer", output, writes: await withdrawCall(turnSink, command, worker, turn, nowMs) };
    const opened = await openCall(
      turnSink,
      command,
      worker,
      {
        requestId: newId("int", nowMs),
        method: TURN_INTERRUPT,
        params: { request_id: turn.requestId },
        threadId: found.threadId,
        waits: false,
        deadlineMs: nowMs + INTERRUPT_MS,
      },
      nowMs,
    );
    return { kind: "answer", output: { requestId: opened.call.requestId }, writes: opened.writes };
  });
}

/** A device that is there hears of it within a poll. */
const INTERRUPT_MS = 30_000;

async function requireThread(
  { personOf }: ThreadCommandDeps,
  tx: Command["tx"],
  { principal }: CommandCall,
  threadId: string,
): Promise<Thread> {
  const found = await findThread(tx, principal.org, await personOf(tx, principal), threadId);
  if (found === undefined) throw notFound("thread", threadId);
  return found;
}

function refused(reason: string, detail: string): Refusal {
  return { kind: "refused", rule: "state", reason, detail };
}
