// The protocol's other side in memory, with the faults of networks and servers
// on demand. It is not the sync server: it shows what a client does when a
// server does what ours never would.

import {
  CHAIN_START,
  chainStream,
  hashPayload,
  idempotencyKeyOf,
  type StreamEvent,
} from "@openagents/streams";
import { encodeBsatn } from "../src/bsatn/index.ts";
import type { Socket } from "../src/client/socket.ts";
import {
  COMPRESSION,
  TABLES,
  concatBytes,
  decodeClientFrame,
  identityOfHex,
  parseQuery,
  rowListOf,
  serverMessage,
  type ClientMessage,
  type QueryRows,
  type ServerMessage,
} from "../src/protocol/index.ts";

export type ToyServer = {
  readonly fetch: typeof fetch;
  readonly openSocket: (url: string, protocols: readonly string[]) => Socket;
  /** Every connection that was let in, the oldest first. */
  readonly connections: readonly ToyConnection[];
  readonly queries: readonly string[];
  readonly faults: Faults;
  /** Append to the log and deliver. */
  append(streamId: string, count: number, filler?: string): void;
  /** What the log holds, with its chain. */
  log(streamId: string): readonly StreamEvent[];
  chainAt(streamId: string, seq: bigint): string;
  trim(streamId: string, floorSeq: bigint): void;
  /** Put the log back to an older state. */
  cutBack(streamId: string, seq: bigint): void;
};

export type ToyConnection = {
  readonly token: string;
  readonly open: boolean;
  /** Streams that it has subscribed to now. */
  readonly streams: readonly string[];
  /** Say something as it is. */
  say(messages: readonly ServerMessage[]): void;
  /** Deliver events to its subscriptions, whatever they are. */
  deliver(streamId: string, events: readonly StreamEvent[]): void;
  close(code: number, reason: string): void;
};

type Faults = {
  /** Answered to whoever shows a token. */
  refusal: { readonly status: number; readonly body: object } | undefined;
  unreachable: boolean;
  /** Nothing is said any more, and nothing closes. */
  silent: boolean;
  /** Subscriptions are confirmed and never served. */
  mute: boolean;
  /** What queries answer, instead of what there is. */
  answer: ((streamId: string, events: readonly StreamEvent[]) => readonly StreamEvent[]) | undefined;
  /** Refused with this text, as subscriptions or as queries. */
  refuseSubscription: string | undefined;
  rowsMax: number;
  protocol: "v3.bsatn.spacetimedb" | "v2.bsatn.spacetimedb";
  gzip: boolean;
};

type Connection = ToyConnection & { readonly subscriptions: Map<number, string> };

export function createToyServer(): ToyServer {
  const logs = new Map<string, StreamEvent[]>();
  const floors = new Map<string, bigint>();
  const connections: Connection[] = [];
  const queries: string[] = [];
  const faults: Faults = {
    refusal: undefined,
    unreachable: false,
    silent: false,
    mute: false,
    answer: undefined,
    refuseSubscription: undefined,
    rowsMax: 20_000,
    protocol: "v3.bsatn.spacetimedb",
    gzip: false,
  };

  const logOf = (streamId: string) => {
    const log = logs.get(streamId) ?? [];
    logs.set(streamId, log);
    return log;
  };

  function rowsOf(text: string): QueryRows | string {
    queries.push(text);
    const query = parseQuery(text);
    if (query?.table === "stream_head") {
      const head = logOf(query.streamId).at(-1);
      const row = { stream_id: query.streamId, head_seq: head?.seq ?? 0n, updated_at_unix_ms: 0n };
      const rows = head === undefined ? [] : [encodeBsatn(TABLES.stream_head.row, row)];
      return { tables: [{ table: "stream_head", rows: rowListOf(rows) }] };
    }
    if (query?.table !== "sync_event") return "bad_query the toy knows events and heads";
    const { streamId, afterSeq, throughSeq } = query;
    const floor = floors.get(streamId) ?? 0n;
    if (afterSeq < floor) {
      const detail = {
        stream_id: streamId,
        requested_watermark: Number(afterSeq),
        retention_floor: Number(floor),
      };
      return `stale_cursor ${JSON.stringify(detail)}`;
    }
    const wanted = logOf(streamId).filter(({ seq }) => seq > afterSeq && seq <= (throughSeq ?? seq));
    if (wanted.length > faults.rowsMax) return `replay_budget_exceeded more than ${faults.rowsMax} rows`;
    const events = throughSeq === undefined ? wanted : (faults.answer?.(streamId, wanted) ?? wanted);
    return { tables: [{ table: "sync_event", rows: rowListOf(events.map(rowOf)) }] };
  }

  function connectionOf(token: string, socket: Socket): Connection {
    const subscriptions = new Map<number, string>();
    let open = true;
    let sending: Promise<void> = Promise.resolve();
    const connection: Connection = {
      token,
      subscriptions,
      get open() {
        return open;
      },
      get streams() {
        return [...subscriptions.values()];
      },
      say(messages) {
        if (faults.silent || !open) return;
        sending = sending.then(async () => {
          const frame = await frameOf(messages, faults.gzip);
          if (open) socket.onmessage?.({ data: frame.buffer });
        });
      },
      deliver(streamId, events) {
        const inserts = rowListOf(events.map(rowOf));
        const rows = [{ tag: "PersistentTable", value: { inserts, deletes: rowListOf([]) } }] as const;
        const querySets = [...subscriptions]
          .filter(([, subscribed]) => subscribed === streamId)
          .map(([id]) => ({ querySetId: { id }, tables: [{ tableName: "sync_event", rows: [...rows] }] }));
        if (querySets.length > 0) connection.say([{ tag: "TransactionUpdate", value: { querySets } }]);
      },
      close(code, reason) {
        if (!open) return;
        open = false;
        subscriptions.clear();
        queueMicrotask(() => socket.onclose?.({ code, reason }));
      },
    };
    return connection;
  }

  function answer(connection: Connection, message: ClientMessage): void {
    if (message.tag === "OneOffQuery") {
      const { requestId, queryString } = message.value;
      const rows = rowsOf(queryString);
      const result =
        typeof rows === "string"
          ? ({ tag: "Err", value: rows } as const)
          : ({ tag: "Ok", value: rows } as const);
      connection.say([{ tag: "OneOffQueryResult", value: { requestId, result } }]);
    } else if (message.tag === "Subscribe") {
      const { requestId, querySetId, queryStrings } = message.value;
      const query = parseQuery(queryStrings[0] ?? "");
      const rows = faults.refuseSubscription ?? rowsOf(queryStrings[0] ?? "");
      if (typeof rows === "string") {
        connection.say([{ tag: "SubscriptionError", value: { requestId, querySetId, error: rows } }]);
        return;
      }
      if (query?.table === "sync_event" && !faults.mute)
        connection.subscriptions.set(querySetId.id, query.streamId);
      connection.say([{ tag: "SubscribeApplied", value: { requestId, querySetId, rows } }]);
    } else if (message.tag === "Unsubscribe") connection.subscriptions.delete(message.value.querySetId.id);
  }

  return {
    connections,
    queries,
    faults,
    log: logOf,
    chainAt: (streamId, seq) =>
      logOf(streamId)
        .slice(0, Number(seq))
        .reduce((chain, event) => chainStream(chain, event.seq, event.payloadHash), CHAIN_START),
    append(streamId, count, filler) {
      const log = logOf(streamId);
      const added = Array.from({ length: count }, (_, index) =>
        eventOf(streamId, log.length + index + 1, filler),
      );
      log.push(...added);
      for (const connection of connections) connection.deliver(streamId, added);
    },
    trim: (streamId, floorSeq) => void floors.set(streamId, floorSeq),
    cutBack: (streamId, seq) => void logs.set(streamId, logOf(streamId).slice(0, Number(seq))),
    fetch: (_url, init) => {
      if (faults.unreachable)
        return Promise.reject(new TypeError("fetch failed", { cause: new Error("ECONNREFUSED") }));
      const { refusal } = faults;
      if (refusal !== undefined)
        return Promise.resolve(Response.json(refusal.body, { status: refusal.status }));
      const bearer = new Headers(init?.headers).get("authorization") ?? "";
      return Promise.resolve(Response.json({ token: bearer.replace("Bearer ", "") }));
    },
    openSocket(url) {
      const socket: Socket = {
        binaryType: "",
        protocol: faults.protocol,
        onopen: null,
        onmessage: null,
        onclose: null,
        onerror: null,
        send(frame) {
          if (faults.silent || !connection.open) return;
          for (const message of decodeClientFrame(faults.protocol, frame)) answer(connection, message);
        },
        close: (code = 1000, reason = "") => connection.close(code, reason),
      };
      const connection = connectionOf(new URL(url).searchParams.get("token") ?? "", socket);
      connections.push(connection);
      const identity = identityOfHex("c2".repeat(32));
      queueMicrotask(() => {
        socket.onopen?.();
        const value = { identity, connectionId: { __connection_id__: 1n }, token: connection.token };
        connection.say([{ tag: "InitialConnection", value }]);
      });
      return socket;
    },
  };
}

export function eventOf(streamId: string, number: number, filler = ""): StreamEvent {
  const payload = `{"kind":"toy","occurred_at":"2026-01-01T00:00:00.000Z","payload":{"filler":"${filler}","n":${number}}}`;
  return { streamId, seq: BigInt(number), payloadHash: hashPayload(payload), payload, committedAtMs: number };
}

function rowOf(event: StreamEvent): Uint8Array {
  return encodeBsatn(TABLES.sync_event.row, {
    idempotency_key: idempotencyKeyOf(event.streamId, event.seq),
    stream_id: event.streamId,
    seq: event.seq,
    payload_hash: event.payloadHash,
    payload_json: event.payload,
    committed_at_unix_ms: BigInt(event.committedAtMs),
    durable_offset: event.seq,
    confirmed_read: true,
  });
}

async function frameOf(messages: readonly ServerMessage[], gzip: boolean): Promise<Uint8Array<ArrayBuffer>> {
  const payload = concatBytes(messages.map((message) => encodeBsatn(serverMessage, message)));
  if (!gzip) return concatBytes([Uint8Array.of(COMPRESSION.none), payload]);
  const packed = new Blob([payload]).stream().pipeThrough(new CompressionStream("gzip"));
  return concatBytes([
    Uint8Array.of(COMPRESSION.gzip),
    new Uint8Array(await new Response(packed).arrayBuffer()),
  ]);
}
