// One connection: takes the client's messages in order, one after another, and
// sends what its subscriptions gain.

import type { Logger } from "@openagents/service";
import type { WebSocket } from "ws";
import { BsatnError, decodeBsatn, encodeBsatn, string, type Codec } from "../bsatn/index.ts";
import {
  decodeClientFrame,
  identityOfHex,
  serverMessage,
  type ClientMessage,
  type Compression,
  type Protocol,
  type ReducerOutcome,
  type ServerMessage,
} from "../protocol/index.ts";
import type { Claims } from "./claims.ts";
import { piecesOf, type Piece } from "./feed.ts";
import type { Limits } from "./limits.ts";
import type { SyncMetrics } from "./metrics.ts";
import { Outbox, frameOf } from "./outbox.ts";
import { EventsPart, type HeadPart, type Part } from "./part.ts";
import type { PresenceTable } from "./presence.ts";
import { ReducerRefusal } from "./reducer-refusal.ts";
import { callReducer, type ReducersDeps } from "./reducers.ts";
import { eventRow, transactionUpdateMessage } from "./rows.ts";
import { Subscriptions, isStreamPart, type SubscriptionsDeps } from "./subscriptions.ts";
import { SyncRefusal, forbiddenStream, staleCursor } from "./sync-refusal.ts";

export type SessionDeps = SubscriptionsDeps &
  ReducersDeps & {
    readonly limits: Limits;
    readonly metrics: SyncMetrics;
    readonly log: Logger;
  };

/** Why a session ended, as close codes. */
export const ENDINGS = {
  service_restart: 1012,
  text_frame: 1003,
  invalid_frame: 1007,
  token_expired: 4401,
  token_revoked: 4403,
  slow_consumer: 4408,
  rate_limited: 4429,
  unresponsive: 4000,
} as const;

export type Ending = keyof typeof ENDINGS;

/** Messages that wait for those before them. */
const INBOX_MAX = 2_000;

/** Bytes of pieces in one message. */
const MESSAGE_BYTES_MAX = 512 * 1024;

/** Events of one read for who is behind. */
const CATCH_UP_EVENTS = 500;

const PING_MS = 20_000;

/** How long a session that was ended waits for its client, who may hear the reason yet. */
const CLOSE_MS_MAX = 10_000;

export class Session {
  readonly claims: Claims;
  private readonly deps: SessionDeps;
  private readonly socket: WebSocket;
  private readonly protocol: Protocol;
  private readonly outbox: Outbox;
  private readonly subscriptions: Subscriptions;
  private readonly inbox: ClientMessage[] = [];
  /** Parts that have something for the client, perhaps. */
  private readonly due = new Set<Part>();
  private readonly catchingUp = new Set<Part>();
  private working = false;
  private closed = false;
  private endedAtMs = Infinity;
  private budget: { messages: number; atMs: number };
  private pingedAtMs: number;
  private heard = true;

  constructor(
    deps: SessionDeps,
    options: {
      readonly socket: WebSocket;
      readonly protocol: Protocol;
      readonly compression: Compression;
      readonly claims: Claims;
      readonly connectionId: bigint;
    },
  ) {
    this.deps = deps;
    this.socket = options.socket;
    this.protocol = options.protocol;
    this.claims = options.claims;
    this.subscriptions = new Subscriptions(deps, options.claims, (part) => void this.due.add(part));
    this.outbox = new Outbox({
      socket: options.socket,
      compression: options.compression,
      waitingMax: deps.limits.waitingBytes,
      nowMs: deps.nowMs,
      onRoom: () => this.flush(),
    });
    this.budget = { messages: deps.limits.messageBurst, atMs: deps.nowMs() };
    this.pingedAtMs = deps.nowMs();
    this.socket.on("message", (frame: Buffer, isBinary: boolean) => this.receive(frame, isBinary));
    this.socket.on("pong", () => {
      this.heard = true;
    });
    // A broken connection closes as well; the error says nothing more that anybody here could use.
    this.socket.on("error", () => undefined);
    this.send({
      tag: "InitialConnection",
      value: {
        identity: identityOfHex(this.claims.identityHex),
        connectionId: { __connection_id__: options.connectionId },
        token: this.claims.token,
      },
    });
  }

  get queries(): number {
    return this.subscriptions.size;
  }

  get waitingBytes(): number {
    return this.outbox.waitingBytes;
  }

  end(ending: Ending): void {
    if (this.closed) return;
    this.deps.metrics.ended(ending);
    this.endedAtMs = this.deps.nowMs();
    this.release();
    this.socket.close(ENDINGS[ending], ending);
  }

  /** The socket has closed, from either side. */
  release(): void {
    if (this.closed) return;
    this.closed = true;
    this.inbox.length = 0;
    this.due.clear();
    this.subscriptions.close();
    this.outbox.close();
  }

  terminate(): void {
    this.socket.terminate();
  }

  /** Look at the clock: expiry, a client that does not read, one that does not answer. */
  sweep(nowMs: number): void {
    if (nowMs - this.endedAtMs >= CLOSE_MS_MAX) return this.terminate();
    if (nowMs >= this.claims.expiresAtMs) return this.end("token_expired");
    // The farewell waits behind what the client does not read, for a while only.
    if (this.outbox.isStalled(this.deps.limits.stalledMs)) return this.end("slow_consumer");
    if (nowMs - this.pingedAtMs < PING_MS) return;
    if (!this.heard) {
      this.end("unresponsive");
      return this.terminate();
    }
    this.heard = false;
    this.pingedAtMs = nowMs;
    this.socket.ping();
  }

  /** Send what has come for this session. */
  flush(): void {
    while (this.due.size > 0 && !this.outbox.isFull && !this.closed) this.sendDue();
  }

  presenceChanged(table: PresenceTable): void {
    for (const part of this.subscriptions.rowsParts()) {
      if (part.query.table !== table) continue;
      const row = this.deps.presence.row(this.claims.identityHex, table);
      part.set(new Map(row === undefined ? [] : [[this.claims.identityHex, row]]));
      this.due.add(part);
    }
    this.flush();
  }

  async checkpointMoved(clientId: string): Promise<void> {
    for (const part of this.subscriptions.rowsParts()) {
      if (part.query.table !== "stream_checkpoint" || part.query.clientId !== clientId) continue;
      await this.subscriptions.refresh(part);
      if (this.subscriptions.has(part)) this.due.add(part);
    }
    this.flush();
  }

  private receive(frame: Buffer, isBinary: boolean): void {
    if (this.closed) return;
    this.heard = true;
    if (!isBinary) return this.end("text_frame");
    let messages: ClientMessage[];
    try {
      messages = decodeClientFrame(this.protocol, frame);
    } catch (error) {
      if (error instanceof BsatnError) return this.end("invalid_frame");
      throw error;
    }
    if (!this.mayReceive(messages.length)) return this.end("rate_limited");
    this.inbox.push(...messages);
    if (!this.working) void this.work();
  }

  private mayReceive(messages: number): boolean {
    const { messagesPerSecond, messageBurst } = this.deps.limits;
    const nowMs = this.deps.nowMs();
    const gained = ((nowMs - this.budget.atMs) / 1000) * messagesPerSecond;
    const left = Math.min(this.budget.messages + gained, messageBurst) - messages;
    this.budget = { messages: left, atMs: nowMs };
    return left >= 0 && this.inbox.length + messages <= INBOX_MAX;
  }

  private async work(): Promise<void> {
    this.working = true;
    try {
      for (let message = this.inbox.shift(); message !== undefined; message = this.inbox.shift()) {
        // A client that does not read its answers gets no further ones made.
        await this.outbox.room();
        if (this.closed) return;
        await this.handle(message);
      }
    } catch (error) {
      this.deps.log.error({ err: error }, "a session failed");
      this.end("service_restart");
    } finally {
      this.working = false;
    }
  }

  private async handle(message: ClientMessage): Promise<void> {
    switch (message.tag) {
      case "Subscribe":
        return this.subscribe(message.value);
      case "Unsubscribe":
        return this.unsubscribe(message.value);
      case "OneOffQuery":
        return this.query(message.value);
      case "CallReducer":
        return this.call(message.value);
      case "CallProcedure":
        return this.send({
          tag: "ProcedureResult",
          value: {
            status: { tag: "InternalError", value: "there are no procedures" },
            timestamp: this.timestamp(),
            totalHostExecutionDuration: { __time_duration_micros__: 0n },
            requestId: message.value.requestId,
          },
        });
    }
  }

  private async subscribe(message: Extract<ClientMessage, { tag: "Subscribe" }>["value"]): Promise<void> {
    const { requestId, querySetId } = message;
    try {
      const applied = await this.subscriptions.open(message);
      if (this.closed) return this.subscriptions.close();
      await this.outbox.sendLarge(applied);
      if (this.closed) return;
      await this.subscriptions.activate(querySetId.id);
      this.flush();
    } catch (error) {
      const text = this.refusalText(error);
      this.send({ tag: "SubscriptionError", value: { requestId, querySetId, error: text } });
    }
  }

  private async unsubscribe(message: Extract<ClientMessage, { tag: "Unsubscribe" }>["value"]): Promise<void> {
    const { requestId, querySetId } = message;
    try {
      const rows = await this.subscriptions.end(message);
      const applied: ServerMessage = { tag: "UnsubscribeApplied", value: { requestId, querySetId, rows } };
      await this.outbox.sendLarge(encodeBsatn(serverMessage, applied));
    } catch (error) {
      const text = this.refusalText(error);
      this.send({ tag: "SubscriptionError", value: { requestId, querySetId, error: text } });
    }
  }

  private async query(message: Extract<ClientMessage, { tag: "OneOffQuery" }>["value"]): Promise<void> {
    const { requestId } = message;
    try {
      const rows = await this.subscriptions.answer(message);
      const answer: ServerMessage = {
        tag: "OneOffQueryResult",
        value: { requestId, result: { tag: "Ok", value: rows } },
      };
      await this.outbox.sendLarge(encodeBsatn(serverMessage, answer));
    } catch (error) {
      const value = this.refusalText(error);
      this.send({ tag: "OneOffQueryResult", value: { requestId, result: { tag: "Err", value } } });
    }
  }

  private async call(message: Extract<ClientMessage, { tag: "CallReducer" }>["value"]): Promise<void> {
    const { requestId, reducer, args } = message;
    let result: ReducerOutcome;
    try {
      await callReducer(this.deps, this.claims, reducer, <A>(codec: Codec<A>) => decodeBsatn(codec, args));
      result = { tag: "OkEmpty", value: undefined };
    } catch (error) {
      if (error instanceof ReducerRefusal) {
        this.deps.metrics.refused("reducer");
        result = { tag: "Err", value: encodeBsatn(string, error.message) };
      } else {
        this.deps.log.error({ err: error, reducer }, "a reducer failed");
        result = { tag: "InternalError", value: "unavailable the reducer could not be run; call it again" };
      }
    }
    this.send({ tag: "ReducerResult", value: { requestId, timestamp: this.timestamp(), result } });
  }

  private refusalText(error: unknown): string {
    if (error instanceof SyncRefusal) {
      this.deps.metrics.refused(error.code);
      return error.message;
    }
    this.deps.log.error({ err: error }, "a query failed");
    this.deps.metrics.refused("unavailable");
    return "unavailable the streams cannot be read now; try again shortly";
  }

  /** One message of what is due, as much as fits into it. */
  private sendDue(): void {
    const changes = new Map<number, Uint8Array[]>();
    const pieces: { readonly part: Part; readonly piece: Piece }[] = [];
    let bytes = 0;
    for (const part of this.due) {
      if (bytes > MESSAGE_BYTES_MAX) break;
      if (isStreamPart(part) && this.endIfForbidden(part)) continue;
      const next = part.next();
      this.due.delete(part);
      if (next === "nothing" || this.catchingUp.has(part)) continue;
      if (next === "behind") {
        void this.catchUp(part);
        continue;
      }
      part.took(next);
      this.subscriptions.settle(part);
      // It may have more than one piece.
      this.due.add(part);
      pieces.push({ part, piece: next });
      const ofSet = changes.get(part.querySetId);
      if (ofSet === undefined) changes.set(part.querySetId, [next.change]);
      else ofSet.push(next.change);
      bytes += next.change.length;
      this.deps.metrics.delivered(next.events);
    }
    const [first] = pieces;
    if (first === undefined) return;
    if (pieces.length === 1) this.outbox.send(this.sharedFrame(first.part.querySetId, first.piece));
    else {
      const sets = [...changes].map(([querySetId, ofSet]) => ({ querySetId, changes: ofSet }));
      this.outbox.send(frameOf(transactionUpdateMessage(sets), this.outbox.compression));
    }
  }

  /** A frame of one piece alone, which others with the same number for it get too. */
  private sharedFrame(querySetId: number, piece: Piece): Uint8Array {
    const key = `${querySetId} ${this.outbox.compression}`;
    const known = piece.frames.get(key);
    if (known !== undefined) return known;
    const message = transactionUpdateMessage([{ querySetId, changes: [piece.change] }]);
    const frame = frameOf(message, this.outbox.compression);
    piece.frames.set(key, frame);
    return frame;
  }

  private endIfForbidden(part: EventsPart | HeadPart): boolean {
    if (!this.subscriptions.isForbidden(part)) return false;
    this.endSet(part, forbiddenStream(part.query.streamId));
    return true;
  }

  /** End a query set that was applied. */
  private endSet(part: Part, refusal: SyncRefusal): void {
    this.deps.metrics.refused(refusal.code);
    this.subscriptions.drop(part.querySetId);
    for (const other of this.due) if (other.querySetId === part.querySetId) this.due.delete(other);
    this.send({
      tag: "SubscriptionError",
      value: { requestId: undefined, querySetId: { id: part.querySetId }, error: refusal.message },
    });
  }

  /** Read for a part what its feed has let go of, until the two meet. */
  private async catchUp(part: Part): Promise<void> {
    if (!(part instanceof EventsPart)) return;
    this.catchingUp.add(part);
    try {
      while (this.subscriptions.has(part) && part.next() === "behind") {
        const { streamId } = part.query;
        const events = await this.deps.store.listEvents(
          streamId,
          part.cursor,
          part.throughSeq,
          CATCH_UP_EVENTS,
        );
        if (!this.subscriptions.has(part)) return;
        const head = part.feed?.headSeq ?? part.cursor;
        const floor = (events[0]?.seq ?? head + 1n) - 1n;
        // Trimmed since: what is missing must not pass for delivered.
        if (floor !== part.cursor) return this.endSet(part, staleCursor(streamId, part.cursor, floor, head));
        const rows = events.map((event) => eventRow(streamId, event));
        for (const piece of piecesOf(part.cursor, rows)) {
          part.took(piece);
          this.subscriptions.settle(part);
          this.deps.metrics.delivered(piece.events);
          this.outbox.send(this.sharedFrame(part.querySetId, piece));
          await this.outbox.room();
          if (!this.subscriptions.has(part)) return;
        }
      }
    } catch (error) {
      this.deps.log.warn({ err: error }, "a stream could not be read for who is behind");
      // The client opens another session and goes on from what it has.
      this.end("service_restart");
    } finally {
      this.catchingUp.delete(part);
      if (this.subscriptions.has(part)) this.due.add(part);
    }
    this.flush();
  }

  private send(message: ServerMessage): void {
    this.outbox.send(frameOf(encodeBsatn(serverMessage, message), this.outbox.compression));
  }

  private timestamp(): { readonly __timestamp_micros_since_unix_epoch__: bigint } {
    return { __timestamp_micros_since_unix_epoch__: BigInt(Math.trunc(this.deps.nowMs() * 1000)) };
  }
}
