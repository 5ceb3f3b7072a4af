// What an agent says in a turn, as messages of the thread and on its stream. The
// device decides what is said; this only keeps it, in the order in which it came.

import { eventDraft, newId, streamEventsWrite, type StreamEventDraft } from "@openagents/authority";
import { encode, threadMessageDesc, type JsonObject } from "@openagents/contracts";
import type { TurnEvent, TurnSink } from "../codex-workers/index.ts";
import { listItems, lockThread, markEnded, upsertMessages, upsertThread } from "./store.ts";
import { messageView, threadStream, type Thread, type ThreadMessage } from "./thread.ts";

/** What of one message is kept; an agent that says more than this says it to nobody. */
const TEXT_CHARS_MAX = 200_000;

export const turnSink: TurnSink = {
  async told(command, _worker, call, events, nowMs) {
    if (call.threadId === undefined) return [];
    const thread = await lockThread(command.tx, call.threadId);
    const itemIds = [...new Set(events.filter(({ kind }) => kind !== "started").map(({ itemId }) => itemId))];
    const known = await listItems(command.tx, thread.threadId, call.requestId, itemIds);
    const items = new Map(known.map((message) => [message.itemId, message]));
    const drafts: StreamEventDraft[] = [];
    let count = thread.messageCount;
    for (const event of events) {
      if (event.kind === "started") {
        drafts.push(threadEvent(thread, "turn.started", { request_id: call.requestId }, nowMs));
        continue;
      }
      const before = items.get(event.itemId);
      const after =
        before === undefined
          ? began(thread, (count += 1n), call.requestId, event, nowMs)
          : grown(before, event, nowMs);
      items.set(event.itemId, after);
      drafts.push(changeEvent(thread, before, after, event, nowMs));
    }
    const grownThread: Thread = {
      ...thread,
      messageCount: count,
      lastMessageAtMs: nowMs,
      updatedAtMs: nowMs,
    };
    return [upsertMessages([...items.values()]), upsertThread(grownThread), streamEventsWrite(drafts)];
  },

  async ended(command, _worker, call, answer, nowMs) {
    if (call.threadId === undefined) return [];
    const thread = await lockThread(command.tx, call.threadId);
    const { requestId } = call;
    const failed = "error" in answer;
    const error: JsonObject = failed ? { ...answer.error } : {};
    const event = failed
      ? threadEvent(thread, "turn.failed", { request_id: requestId, ...error }, nowMs)
      : threadEvent(thread, "turn.finished", { request_id: requestId, response: answer.response }, nowMs);
    return [
      markEnded(thread.threadId, requestId, failed ? "failed" : "complete", error, nowMs),
      streamEventsWrite([event]),
    ];
  },
};

export function threadEvent(
  { threadId, owner }: Thread,
  kind: string,
  facts: JsonObject,
  nowMs: number,
): StreamEventDraft {
  return eventDraft(threadStream(threadId), owner, kind, { thread_id: threadId, ...facts }, nowMs);
}

export function messageFacts(message: ThreadMessage): JsonObject {
  return { message: encode(threadMessageDesc, messageView(message)) };
}

function began(
  { threadId }: Thread,
  seq: bigint,
  requestId: string,
  event: TurnEvent,
  nowMs: number,
): ThreadMessage {
  const isTool = event.kind === "tool";
  return {
    threadId,
    seq,
    messageId: newId("msg", nowMs),
    role: isTool ? "tool" : "assistant",
    status: "streaming",
    text: bounded(event.text),
    tool: isTool ? event.payload : {},
    error: {},
    requestId,
    itemId: event.itemId,
    createdAtMs: nowMs,
    updatedAtMs: nowMs,
  };
}

function grown(before: ThreadMessage, event: TurnEvent, nowMs: number): ThreadMessage {
  const tool = event.kind === "tool" ? event.payload : before.tool;
  return { ...before, text: bounded(before.text + event.text), tool, updatedAtMs: nowMs };
}

function bounded(text: string): string {
  return text.length <= TEXT_CHARS_MAX ? text : text.slice(0, TEXT_CHARS_MAX).toWellFormed();
}

function changeEvent(
  thread: Thread,
  before: ThreadMessage | undefined,
  after: ThreadMessage,
  event: TurnEvent,
  nowMs: number,
): StreamEventDraft {
  if (before === undefined) return threadEvent(thread, "message.created", messageFacts(after), nowMs);
  const facts = { message_id: after.messageId, text: after.text.slice(before.text.length) };
  return event.kind === "tool"
    ? threadEvent(thread, "message.tool", { ...facts, tool: after.tool }, nowMs)
    : threadEvent(thread, "message.delta", facts, nowMs);
}
