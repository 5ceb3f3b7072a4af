// Subscribers, all in a process of their own. Each line on standard input is
// something to do or to wait for.

import { once } from "node:events";
import { createInterface } from "node:readline";
import {
  PROTOCOLS,
  TABLES,
  decodeServerMessages,
  encodeClientFrames,
  formatQuery,
  readRows,
  type ClientMessage,
  type RowList,
  type ServerMessage,
} from "@openagents/spacetime";
import { WebSocket } from "ws";
import { quantile } from "./load.ts";

export type ClientsQuestion =
  | {
      readonly open: readonly string[];
      readonly url: string;
      readonly token: string;
      readonly readEvery: number;
    }
  | { readonly deliveries: number }
  | { readonly renew: string; readonly from: number; readonly through: number }
  | { readonly replay: string; readonly url: string; readonly token: string; readonly events: number };

export type Opened = { readonly seconds: number };
export type Delivered = { readonly seconds: number; readonly p50Ms: number; readonly p99Ms: number };
export type Replayed = { readonly seconds: number; readonly events: number };

const [PROTOCOL] = PROTOCOLS;
const PAGE = 5_000n;

/** Whoever follows one stream, for as long as the process lives. */
type Subscriber = {
  readonly streamId: string;
  readonly url: string;
  readonly reads: boolean;
  /** Of the last event that was read; 0 where events are only counted. */
  seq: bigint;
  socket: WebSocket;
};

const subscribers: Subscriber[] = [];
let deliveries = 0;
let firstAtMs = 0;
let latencies: number[] = [];
let changed = (): void => undefined;

process.stdout.write("{}\n");
for await (const line of createInterface({ input: process.stdin })) {
  const question = JSON.parse(line) as ClientsQuestion;
  process.stdout.write(`${JSON.stringify(await answer(question))}\n`);
}

async function answer(question: ClientsQuestion): Promise<Opened | Delivered | Replayed> {
  if ("open" in question) return open(question);
  if ("renew" in question) return renew(question);
  return "replay" in question ? replay(question) : waitFor(question.deliveries);
}

/** One connection for each stream that is named. */
async function open(question: Extract<ClientsQuestion, { open: unknown }>): Promise<Opened> {
  const startedAtMs = performance.now();
  for (let start = 0; start < question.open.length; start += 50) {
    const some = question.open.slice(start, start + 50);
    await Promise.all(
      some.map(async (streamId, index) => {
        const reads = (start + index) % question.readEvery === 0;
        const subscriber = { streamId, url: question.url, reads, seq: 0n };
        subscribers.push(await follow(subscriber, question.token));
      }),
    );
  }
  deliveries = 0;
  firstAtMs = 0;
  latencies = [];
  return { seconds: (performance.now() - startedAtMs) / 1000 };
}

/** A new session for some subscribers, from where each is, before the old one ends with its token. */
async function renew(question: Extract<ClientsQuestion, { renew: unknown }>): Promise<Opened> {
  const startedAtMs = performance.now();
  for (let index = question.from; index < question.through; index += 1) {
    const subscriber = subscribers[index];
    if (subscriber === undefined) break;
    const { socket } = subscriber;
    await follow(subscriber, question.renew);
    socket.close();
  }
  return { seconds: (performance.now() - startedAtMs) / 1000 };
}

async function follow(
  subscriber: Omit<Subscriber, "socket"> & { socket?: WebSocket },
  token: string,
): Promise<Subscriber> {
  const socket = await connect(subscriber.url, token, (message) => take(message, subscriber));
  const query = formatQuery({
    table: "sync_event",
    streamId: subscriber.streamId,
    afterSeq: subscriber.seq,
  });
  const applied = once(socket, "applied");
  send(socket, {
    tag: "Subscribe",
    value: { requestId: 1, querySetId: { id: 1 }, queryStrings: [query] },
  });
  await applied;
  return Object.assign(subscriber, { socket });
}

async function connect(
  url: string,
  token: string,
  onMessage: (message: ServerMessage) => void,
): Promise<WebSocket> {
  const address = new URL("/v1/database/autopilot-sync/subscribe", url);
  address.protocol = "ws:";
  address.searchParams.set("token", token);
  const socket = new WebSocket(address, [PROTOCOL], { perMessageDeflate: false });
  socket.on("message", (frame: Buffer) => {
    for (const message of decodeServerMessages(PROTOCOL, frame.subarray(1))) {
      onMessage(message);
      if (message.tag === "SubscribeApplied") socket.emit("applied");
      if (message.tag === "SubscriptionError") throw new Error(message.value.error);
    }
  });
  socket.on("close", (code, reason) => {
    if (code !== 1005) throw new Error(`closed ${code} ${reason.toString()}`);
  });
  await once(socket, "open");
  return socket;
}

function send(socket: WebSocket, message: ClientMessage): void {
  for (const frame of encodeClientFrames(PROTOCOL, [message])) socket.send(frame);
}

/** Events are read whole by some, and counted by all. */
function take(message: ServerMessage, subscriber: { readonly reads: boolean; seq: bigint }): void {
  if (message.tag === "SubscribeApplied") {
    for (const { rows } of message.value.rows.tables) countRows(rows, subscriber);
    return changed();
  }
  if (message.tag !== "TransactionUpdate") return;
  if (firstAtMs === 0) firstAtMs = performance.now();
  for (const { tables } of message.value.querySets) {
    for (const { rows } of tables) {
      for (const change of rows) {
        if (change.tag === "PersistentTable") countRows(change.value.inserts, subscriber);
      }
    }
  }
  changed();
}

function countRows(list: RowList, subscriber: { readonly reads: boolean; seq: bigint }): void {
  deliveries += subscriber.reads ? readAll(list, subscriber) : countOf(list);
}

/** Throws at a gap; what two sessions of one subscriber both bring counts once. */
function readAll(list: RowList, subscriber: { seq: bigint }): number {
  const rows = readRows(TABLES.sync_event.row, list);
  const now = performance.timeOrigin + performance.now();
  let fresh = 0;
  for (const row of rows) {
    if (row.seq <= subscriber.seq) continue;
    if (row.seq !== subscriber.seq + 1n) throw new Error(`${row.stream_id}: a gap before ${row.seq}`);
    subscriber.seq = row.seq;
    latencies.push(now - JSON.parse(row.payload_json).payload.at);
    fresh += 1;
  }
  return fresh;
}

function countOf({ sizeHint, rowsData }: RowList): number {
  return sizeHint.tag === "FixedSize" ? rowsData.length / sizeHint.value : sizeHint.value.length;
}

async function waitFor(count: number): Promise<Delivered> {
  while (deliveries < count) {
    await new Promise<void>((resolve) => {
      changed = resolve;
    });
  }
  const seconds = (performance.now() - firstAtMs) / 1000;
  const sorted = latencies.toSorted((a, b) => a - b);
  deliveries = 0;
  firstAtMs = 0;
  latencies = [];
  return { seconds, p50Ms: quantile(sorted, 0.5), p99Ms: quantile(sorted, 0.99) };
}

/** All events of a stream by one client, in pages, each event read whole. */
async function replay(question: Extract<ClientsQuestion, { replay: unknown }>): Promise<Replayed> {
  let events = 0;
  const waiting: ((rows: number) => void)[] = [];
  const socket = await connect(question.url, question.token, (message) => {
    if (message.tag !== "OneOffQueryResult") return;
    if (message.value.result.tag === "Err") throw new Error(message.value.result.value);
    const lists = message.value.result.value.tables.map(({ rows }) => rows);
    waiting.shift()?.(lists.reduce((sum, list) => sum + readRows(TABLES.sync_event.row, list).length, 0));
  });
  const startedAtMs = performance.now();
  let afterSeq = 0n;
  const ask = (): Promise<number> => {
    const query = formatQuery({
      table: "sync_event",
      streamId: question.replay,
      afterSeq,
      throughSeq: afterSeq + PAGE,
    });
    afterSeq += PAGE;
    send(socket, { tag: "OneOffQuery", value: { requestId: 1, queryString: query } });
    return new Promise((resolve) => waiting.push(resolve));
  };
  // The next page is on its way while one is read.
  let next = ask();
  while (events < question.events) {
    const page = next;
    next = ask();
    events += await page;
  }
  await next.catch(() => undefined);
  const seconds = (performance.now() - startedAtMs) / 1000;
  socket.close();
  return { seconds, events };
}
