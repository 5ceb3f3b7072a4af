// A thread and its messages.

import type {
  JsonObject,
  Thread as ThreadView,
  ThreadMessage as MessageView,
  ThreadMessageRole,
  ThreadMessageStatus,
} from "@openagents/contracts";
import { streamId } from "@openagents/streams";

export type Thread = {
  readonly threadId: string;
  readonly org: string;
  readonly owner: string;
  readonly title: string;
  readonly autopilotId: string | undefined;
  readonly workerId: string | undefined;
  readonly messageCount: bigint;
  readonly lastMessageAtMs: number | undefined;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

export type ThreadMessage = {
  readonly threadId: string;
  /** From 1, without a gap. */
  readonly seq: bigint;
  readonly messageId: string;
  readonly role: ThreadMessageRole;
  readonly status: ThreadMessageStatus;
  readonly text: string;
  readonly tool: JsonObject;
  readonly error: JsonObject;
  readonly requestId: string;
  /** The agent's name for it within the turn; empty for a person's. */
  readonly itemId: string;
  readonly createdAtMs: number;
  readonly updatedAtMs: number;
};

export function threadStream(threadId: string): string {
  return streamId("thread", threadId);
}

export function threadView({ org: _org, owner: _owner, ...thread }: Thread): ThreadView {
  return {
    threadId: thread.threadId,
    title: thread.title,
    autopilotId: thread.autopilotId,
    workerId: thread.workerId,
    streamId: threadStream(thread.threadId),
    messageCount: thread.messageCount,
    lastMessageAt: thread.lastMessageAtMs,
    createdAt: thread.createdAtMs,
    updatedAt: thread.updatedAtMs,
  };
}

export function messageView(message: ThreadMessage): MessageView {
  const { itemId: _item, createdAtMs, updatedAtMs, ...rest } = message;
  return { ...rest, createdAt: createdAtMs, updatedAt: updatedAtMs };
}
