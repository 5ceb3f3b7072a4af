// The protocol and nothing else: what a client may say, word for word, and all
// that it hears. Waits are for conditions, never for times.

import { gunzipSync, brotliDecompressSync } from "node:zlib";
import {
  PROTOCOLS,
  TABLES,
  decodeServerMessages,
  encodeClientFrames,
  formatQuery,
  readRows,
  type ClientMessage,
  type Compression,
  type Protocol,
  type QueryRows,
  type RowList,
  type ServerMessage,
  type SyncEventRow,
} from "@openagents/spacetime";
import { WebSocket } from "ws";

export type RawClientOptions = {
  readonly url?: string;
  readonly protocol?: Protocol;
  readonly compression?: Compression;
};

type Value<T extends ServerMessage["tag"]> = Extract<ServerMessage, { tag: T }>["value"];

export class RawClient {
  readonly socket: WebSocket;
  readonly messages: ServerMessage[] = [];
  closed: { readonly code: number; readonly reason: string } | undefined;
  private readonly protocol: Protocol;
  private readonly waiting = new Set<() => void>();
  private nextId = 1;

  private constructor(socket: WebSocket, protocol: Protocol) {
    this.socket = socket;
    this.protocol = protocol;
    socket.on("message", (frame: Buffer) => {
      this.messages.push(...decodeServerMessages(protocol, unpack(frame)));
      this.wake();
    });
    socket.on("close", (code, reason) => {
      this.closed = { code, reason: reason.toString() };
      this.wake();
    });
    socket.on("error", () => undefined);
  }

  /** Rejects with the status when the server refuses. */
  static async connect(url: string, token: string, options: RawClientOptions = {}): Promise<RawClient> {
    const protocol = options.protocol ?? PROTOCOLS[0];
    const address = new URL("/v1/database/autopilot-sync/subscribe", url);
    address.protocol = "ws:";
    address.searchParams.set("token", token);
    address.searchParams.set("compression", options.compression ?? "none");
    const socket = new WebSocket(address, [protocol], { perMessageDeflate: false });
    const client = new RawClient(socket, protocol);
    await new Promise<void>((resolve, reject) => {
      socket.once("open", resolve);
      socket.once("unexpected-response", (_request, response) => {
        reject(new Error(`refused ${response.statusCode}`));
        response.destroy();
      });
      socket.once("error", reject);
    });
    await client.until(() => client.messages.some(({ tag }) => tag === "InitialConnection"));
    return client;
  }

  send(...messages: ClientMessage[]): void {
    for (const frame of encodeClientFrames(this.protocol, messages)) this.socket.send(frame);
  }

  /** Resolves with the initial rows' count; rejects with the server's text. */
  async subscribe(...queryStrings: string[]): Promise<number> {
    const requestId = this.nextId++;
    this.send({ tag: "Subscribe", value: { requestId, querySetId: { id: requestId }, queryStrings } });
    await this.until(() => this.answerTo(requestId) !== undefined);
    const answer = this.answerTo(requestId);
    if (answer?.tag === "SubscriptionError") throw new Error(answer.value.error);
    return requestId;
  }

  /** Follow a stream from a number on. */
  follow(streamId: string, afterSeq = 0n): Promise<number> {
    return this.subscribe(formatQuery({ table: "sync_event", streamId, afterSeq }));
  }

  async query(queryString: string): Promise<QueryRows> {
    const requestId = this.nextId++;
    this.send({ tag: "OneOffQuery", value: { requestId, queryString } });
    const { result } = await this.answer("OneOffQueryResult", requestId);
    if (result.tag === "Err") throw new Error(result.value);
    return result.value;
  }

  async call(reducer: string, args: Uint8Array): Promise<Value<"ReducerResult">["result"]> {
    const requestId = this.nextId++;
    this.send({ tag: "CallReducer", value: { requestId, flags: 0, reducer, args } });
    return (await this.answer("ReducerResult", requestId)).result;
  }

  /** All events that came, in the order in which they came. */
  events(): SyncEventRow[] {
    return this.messages.flatMap((message) => eventsOf(message));
  }

  seqs(streamId: string): bigint[] {
    return this.events().flatMap((row) => (row.stream_id === streamId ? [row.seq] : []));
  }

  async until(holds: () => boolean): Promise<void> {
    while (!holds()) {
      if (this.closed !== undefined && !holds()) {
        throw new Error(`closed ${this.closed.code} ${this.closed.reason}`);
      }
      await new Promise<void>((resolve) => this.waiting.add(resolve));
    }
  }

  async untilClosed(): Promise<{ readonly code: number; readonly reason: string }> {
    await this.until(() => this.closed !== undefined);
    if (this.closed === undefined) throw new Error("not closed");
    return this.closed;
  }

  close(): void {
    this.socket.terminate();
  }

  private async answer<T extends "OneOffQueryResult" | "ReducerResult">(
    tag: T,
    requestId: number,
  ): Promise<Value<T>> {
    const find = () =>
      this.messages.find((message) => message.tag === tag && message.value.requestId === requestId);
    await this.until(() => find() !== undefined);
    return find()?.value as Value<T>;
  }

  private answerTo(requestId: number) {
    return this.messages.find(
      (message) =>
        (message.tag === "SubscribeApplied" || message.tag === "SubscriptionError") &&
        message.value.requestId === requestId,
    ) as Extract<ServerMessage, { tag: "SubscribeApplied" | "SubscriptionError" }> | undefined;
  }

  private wake(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const resolve of waiting) resolve();
  }
}

function unpack(frame: Buffer): Uint8Array {
  const payload = frame.subarray(1);
  if (frame[0] === 1) return brotliDecompressSync(payload);
  return frame[0] === 2 ? gunzipSync(payload) : payload;
}

function eventsOf(message: ServerMessage): SyncEventRow[] {
  const lists: RowList[] = [];
  if (message.tag === "SubscribeApplied") {
    for (const { table, rows } of message.value.rows.tables) if (table === "sync_event") lists.push(rows);
  }
  if (message.tag === "TransactionUpdate") {
    for (const update of message.value.querySets.flatMap(({ tables }) => tables)) {
      if (update.tableName !== "sync_event") continue;
      for (const rows of update.rows) if (rows.tag === "PersistentTable") lists.push(rows.value.inserts);
    }
  }
  return lists.flatMap((list) => readRows(TABLES.sync_event.row, list));
}
