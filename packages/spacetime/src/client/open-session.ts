// A session over a WebSocket, in SpacetimeDB's client protocol.

import type { StreamEvent } from "@openagents/streams";
import {
  PROTOCOLS,
  TABLES,
  encodeClientFrames,
  formatQuery,
  readRows,
  type ClientMessage,
  type Protocol,
  type Query,
  type QueryRows,
  type RowList,
  type ServerMessage,
  type SyncEventRow,
} from "../protocol/index.ts";
import { frameReader } from "./frames.ts";
import {
  SessionLost,
  SyncRefusal,
  type SessionEnd,
  type Subscription,
  type SubscriptionListener,
  type SyncSession,
} from "./session.ts";
import type { OpenSocket } from "./socket.ts";
import type { Timers } from "./timers.ts";

export type SessionOptions = {
  /** With the token, ready to be opened. */
  readonly url: string;
  readonly openSocket: OpenSocket;
  readonly timers: Timers;
  /** Gives up opening it, or ends it. */
  readonly signal: AbortSignal;
};

const OPEN_MS_MAX = 10_000;

/** A server that owes an answer and says nothing at all for so long is gone. */
const SILENCE_MS_MAX = 8_000;

type Waiting = { readonly resolve: (rows: QueryRows) => void; readonly reject: (error: Error) => void };
type Subscribed = Waiting & { readonly listener: SubscriptionListener; applied: boolean };

/** Resolves when the server has let the client in. Rejects with `SessionLost`. */
export function openSession({ url, openSocket, timers, signal }: SessionOptions): Promise<SyncSession> {
  const opening = Promise.withResolvers<SyncSession>();
  const ended = Promise.withResolvers<SessionEnd>();
  const requests = new Map<number, Waiting>();
  const subscriptions = new Map<number, Subscribed>();
  let lastId = 0;
  let open = true;
  let answered = false;
  let heardAtMs = timers.nowMs();
  let cancelWatch: (() => void) | undefined;
  const socket = openSocket(url, PROTOCOLS);
  const cancelOpening = timers.after(OPEN_MS_MAX, () => end("no_answer: the connection was not opened"));

  const stop = () => end("stopped");
  signal.addEventListener("abort", stop);

  function end(reason: string, code = 1000): void {
    if (!open) return;
    open = false;
    signal.removeEventListener("abort", stop);
    cancelOpening();
    cancelWatch?.();
    socket.onmessage = null;
    // Not `reason`: a browser refuses long ones.
    socket.close(code);
    const lost = new SessionLost(reason);
    ended.resolve({ reason });
    opening.reject(lost);
    for (const { reject } of [...requests.values(), ...subscriptions.values()]) reject(lost);
    requests.clear();
    subscriptions.clear();
  }

  // ---- what is said

  function say(message: ClientMessage): void {
    for (const frame of encodeClientFrames(protocolOf(socket.protocol), [message])) socket.send(frame);
  }

  function nextId(): number {
    lastId += 1;
    return lastId;
  }

  /** While an answer is owed, silence means that nobody is there. */
  function watch(): void {
    if (cancelWatch !== undefined) return;
    const quietMs = timers.nowMs() - heardAtMs;
    cancelWatch = timers.after(Math.max(SILENCE_MS_MAX - quietMs, 1), () => {
      cancelWatch = undefined;
      if (!owed()) return;
      if (timers.nowMs() - heardAtMs >= SILENCE_MS_MAX) end("no_answer: the server is silent", 4000);
      else watch();
    });
  }

  function owed(): boolean {
    return requests.size > 0 || [...subscriptions.values()].some(({ applied }) => !applied);
  }

  function owe(): void {
    if (!owed()) heardAtMs = timers.nowMs();
    watch();
  }

  function query(wanted: Query): Promise<QueryRows> {
    if (!open) return Promise.reject(new SessionLost("the session has ended"));
    const { promise, resolve, reject } = Promise.withResolvers<QueryRows>();
    const requestId = nextId();
    owe();
    requests.set(requestId, { resolve, reject });
    say({ tag: "OneOffQuery", value: { requestId, queryString: formatQuery(wanted) } });
    return promise;
  }

  function subscribe(streamId: string, afterSeq: bigint, listener: SubscriptionListener): Subscription {
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    const id = nextId();
    if (!open) reject(new SessionLost("the session has ended"));
    else {
      owe();
      subscriptions.set(id, { listener, applied: false, resolve: () => resolve(), reject });
      const queryStrings = [formatQuery({ table: "sync_event", streamId, afterSeq })];
      say({ tag: "Subscribe", value: { requestId: id, querySetId: { id }, queryStrings } });
    }
    return {
      applied: promise,
      close() {
        if (!subscriptions.delete(id)) return;
        const flags = { tag: "Default", value: undefined } as const;
        say({ tag: "Unsubscribe", value: { requestId: nextId(), querySetId: { id }, flags } });
      },
    };
  }

  // ---- what is heard

  function hear(message: ServerMessage): void {
    switch (message.tag) {
      case "InitialConnection":
        cancelOpening();
        opening.resolve(session);
        break;
      case "OneOffQueryResult": {
        const { requestId, result } = message.value;
        const waiting = requests.get(requestId);
        requests.delete(requestId);
        answered = true;
        if (result.tag === "Ok") waiting?.resolve(result.value);
        else waiting?.reject(new SyncRefusal(result.value));
        break;
      }
      case "SubscribeApplied": {
        const { querySetId, rows } = message.value;
        const subscribed = subscriptions.get(querySetId.id);
        if (subscribed === undefined) break;
        answered = true;
        subscribed.applied = true;
        deliver(subscribed, eventsOf(rows));
        subscribed.resolve(rows);
        break;
      }
      case "SubscriptionError": {
        const { querySetId, error } = message.value;
        const subscribed = subscriptions.get(querySetId.id);
        subscriptions.delete(querySetId.id);
        answered = true;
        if (subscribed?.applied === true) subscribed.listener.refused(new SyncRefusal(error));
        else subscribed?.reject(new SyncRefusal(error));
        break;
      }
      case "TransactionUpdate":
        for (const { querySetId, tables } of message.value.querySets) {
          const subscribed = subscriptions.get(querySetId.id);
          if (subscribed === undefined) continue;
          for (const { tableName, rows } of tables) {
            if (tableName !== TABLES.sync_event.name) continue;
            for (const part of rows) {
              // Rows that go away were trimmed; what was applied stays applied.
              deliver(
                subscribed,
                readEvents(part.tag === "PersistentTable" ? part.value.inserts : part.value.events),
              );
            }
          }
        }
        break;
      default:
        // Answers to what this client does not ask.
        break;
    }
  }

  const takeFrame = frameReader(
    () => protocolOf(socket.protocol),
    (messages) => {
      if (open) messages.forEach(hear);
    },
    (error) => end(`malformed_message: ${error instanceof Error ? error.message : String(error)}`, 4000),
  );

  socket.binaryType = "arraybuffer";
  socket.onmessage = ({ data }) => {
    heardAtMs = timers.nowMs();
    if (data instanceof ArrayBuffer) takeFrame(new Uint8Array(data));
    else end("malformed_message: a frame is not binary", 4000);
  };
  socket.onclose = ({ code, reason }) => end(endReason(code, reason));
  // A close follows, with all that can be known.
  socket.onerror = null;

  const session: SyncSession = {
    get open() {
      return open;
    },
    get answered() {
      return answered;
    },
    ended: ended.promise,
    async head(streamId) {
      const rows = await query({ table: "stream_head", streamId });
      const heads = rows.tables.flatMap(({ rows: list }) => readRows(TABLES.stream_head.row, list));
      return heads.find((head) => head.stream_id === streamId)?.head_seq ?? 0n;
    },
    async events(streamId, afterSeq, throughSeq) {
      return eventsOf(await query({ table: "sync_event", streamId, afterSeq, throughSeq }));
    },
    subscribe,
    end,
  };
  return opening.promise;
}

function deliver({ listener }: Subscribed, events: readonly StreamEvent[]): void {
  if (events.length > 0) listener.events(events);
}

function eventsOf({ tables }: QueryRows): StreamEvent[] {
  return tables
    .filter(({ table }) => table === TABLES.sync_event.name)
    .flatMap(({ rows }) => readEvents(rows));
}

/** In the order of their numbers: rows of a table have none. */
function readEvents(list: RowList): StreamEvent[] {
  const events = readRows(TABLES.sync_event.row, list).map(eventOf);
  return events.sort((a, b) => (a.seq < b.seq ? -1 : a.seq > b.seq ? 1 : 0));
}

function eventOf(row: SyncEventRow): StreamEvent {
  return {
    streamId: row.stream_id,
    seq: row.seq,
    payloadHash: row.payload_hash,
    payload: row.payload_json,
    committedAtMs: Number(row.committed_at_unix_ms),
  };
}

/** A server that names none speaks the older one. */
function protocolOf(chosen: string): Protocol {
  return PROTOCOLS.find((protocol) => protocol === chosen) ?? "v2.bsatn.spacetimedb";
}

function endReason(code: number, reason: string): string {
  if (reason !== "") return reason;
  if (code === 1006) return "connection_lost";
  return `closed with ${code}`;
}
