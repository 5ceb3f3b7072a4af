import type { Follower } from "@openagents/authority";
import {
  Threads,
  bind,
  encodeText,
  threadEventDesc,
  type Binding,
  type LiveEvent,
  type Principal,
  type ThreadEvent,
} from "@openagents/contracts";
import { PAGE_DEFAULT, decodeCursor, encodeCursor, invalidField, notFound } from "@openagents/service";
import { findAutopilot } from "../autopilots/index.ts";
import { findHead, followStream, listEvents, staleCursor, type StoredEvent } from "../stream-reads/index.ts";
import { createThread, interruptThread, postMessage, type ThreadCommandDeps } from "./service.ts";
import { findThread, listMessagesAfter, listMessagesBefore, listThreads, listThreadsWith } from "./store.ts";
import { messageView, threadStream, threadView, type Thread } from "./thread.ts";

export type ThreadDeps = ThreadCommandDeps & { readonly follower: Follower; readonly nowMs: () => number };

/** Sorts after every id. */
const AFTER_ALL = "thr_g";

const EVENTS_DEFAULT = 200;

export function threadRoutes(deps: ThreadDeps): Binding {
  const { db, follower, nowMs } = deps;

  async function requireThread(principal: Principal, threadId: string): Promise<Thread> {
    const found = await findThread(db, principal.org, await deps.personOf(db, principal), threadId);
    if (found === undefined) throw notFound("thread", threadId);
    return found;
  }

  return bind(
    Threads,
    {
      createThread: (request, call) => createThread(deps, call, request),
      postThreadMessage: (request, call) => postMessage(deps, call, request),
      interruptThread: (request, call) => interruptThread(deps, call, request),

      async listThreads({ cursor, limit = PAGE_DEFAULT }, { principal }) {
        const owner = await deps.personOf(db, principal);
        return pageOf(await listThreads(db, principal.org, owner, beforeOf(cursor), limit + 1), limit);
      },

      async listAutopilotThreads({ autopilot, cursor, limit = PAGE_DEFAULT }, { principal }) {
        const owner = await deps.personOf(db, principal);
        const found = await findAutopilot(db, principal.org, owner, autopilot);
        if (found === undefined) throw notFound("autopilot", autopilot);
        return pageOf(await listThreadsWith(db, found.autopilotId, beforeOf(cursor), limit + 1), limit);
      },

      async getThread({ threadId }, { principal }) {
        return { thread: threadView(await requireThread(principal, threadId)) };
      },

      async listThreadMessages({ threadId, afterSeq = 0n, beforeSeq, limit = PAGE_DEFAULT }, { principal }) {
        await requireThread(principal, threadId);
        const found =
          beforeSeq === undefined
            ? await listMessagesAfter(db, threadId, afterSeq, limit + 1)
            : await listMessagesBefore(db, threadId, beforeSeq, limit + 1);
        const page = beforeSeq === undefined ? found.slice(0, limit) : found.slice(-limit);
        return { messages: page.map(messageView), more: found.length > limit };
      },

      async listThreadEvents({ threadId, afterSeq = 0n, limit = EVENTS_DEFAULT }, { principal }) {
        await requireThread(principal, threadId);
        const stream = threadStream(threadId);
        const head = await findHead(db, stream);
        if (afterSeq < head.floorSeq) throw staleCursor(stream, head, afterSeq);
        const events = await listEvents(db, stream, afterSeq, limit);
        return { streamId: stream, headSeq: head.headSeq, events: events.map(eventView) };
      },
    },
    {
      async listThreadEvents({ threadId, afterSeq = 0n }, call, lastEventId) {
        await requireThread(call.principal, threadId);
        const stream = threadStream(threadId);
        const after = lastEventId === undefined ? afterSeq : seqOf(lastEventId);
        const head = await findHead(db, stream);
        if (after < head.floorSeq) throw staleCursor(stream, head, after);
        return liveEvents(followStream({ q: db, follower, nowMs }, stream, after, call.signal));
      },
    },
  );
}

function beforeOf(cursor: string | undefined): string {
  return cursor === undefined ? AFTER_ALL : decodeCursor(cursor, /^thr_[0-9a-f]{32}$/);
}

function pageOf(found: readonly Thread[], limit: number) {
  const page = found.slice(0, limit);
  const last = found.length > limit ? page.at(-1) : undefined;
  return {
    threads: page.map(threadView),
    nextCursor: last === undefined ? undefined : encodeCursor(last.threadId),
  };
}

function seqOf(lastEventId: string): bigint {
  if (/^[0-9]{1,18}$/.test(lastEventId)) return BigInt(lastEventId);
  throw invalidField("Last-Event-ID", "wrong_format", "It must be the id of an event of this thread.");
}

function eventView({ seq, kind, payload, occurredAtMs }: StoredEvent): ThreadEvent {
  return { seq, eventType: kind, payload, occurredAt: occurredAtMs };
}

async function* liveEvents(
  events: AsyncIterable<StoredEvent | undefined>,
): AsyncGenerator<LiveEvent | undefined> {
  for await (const event of events) {
    yield event === undefined
      ? undefined
      : { id: String(event.seq), event: event.kind, data: encodeText(threadEventDesc, eventView(event)) };
  }
}
