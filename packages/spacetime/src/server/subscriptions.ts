// The queries of one session: refused, answered once, or kept up to date.
//
// SUB-1  Nothing is read of a stream or a row that the token does not reach.
// SUB-2  A subscription begins with what there is and goes on with what comes: no event between the two is lost or doubled.
// Held by tests/access.pg.test.ts and tests/gap-free.pg.test.ts.

import type { Database } from "@openagents/postgres";
import { decideAccess, tenantWanted } from "@openagents/streams";
import { encodeBsatn } from "../bsatn/index.ts";
import {
  QUERY_HELP,
  parseQuery,
  rowListOf,
  serverMessage,
  type ClientMessage,
  type Query,
  type QueryRows,
} from "../protocol/index.ts";
import { checkpointKey, checkpointRow, listCheckpoints } from "./checkpoints.ts";
import { SCOPES, type Claims } from "./claims.ts";
import type { Feeds } from "./feeds.ts";
import type { Limits } from "./limits.ts";
import { EventsPart, HeadPart, RowsPart, type OnMoved, type Part } from "./part.ts";
import type { Presence } from "./presence.ts";
import { checkReplay, readEvents } from "./read-events.ts";
import { headRow } from "./rows.ts";
import type { StreamHead, StreamStore } from "./stream-store.ts";
import { SyncRefusal, forbiddenStream } from "./sync-refusal.ts";

export type SubscriptionsDeps = {
  readonly store: StreamStore;
  readonly checkpointsDb: Database;
  readonly feeds: Feeds;
  readonly presence: Presence;
  readonly limits: Limits;
};

type Message<T extends ClientMessage["tag"]> = Extract<ClientMessage, { tag: T }>["value"];

/** The parts of a query set, and the rows that they begin with. */
type Opened = { readonly parts: readonly Part[]; readonly rows: QueryRows };

export class Subscriptions {
  private readonly deps: SubscriptionsDeps;
  private readonly claims: Claims;
  private readonly onMoved: OnMoved;
  private readonly sets = new Map<number, readonly Part[]>();
  /** Query sets whose beginning the client has been sent. */
  private readonly active = new Set<number>();
  private count = 0;

  constructor(deps: SubscriptionsDeps, claims: Claims, onMoved: OnMoved) {
    this.deps = deps;
    this.claims = claims;
    this.onMoved = onMoved;
  }

  /** How many queries are kept up to date. */
  get size(): number {
    return this.count;
  }

  has(part: Part): boolean {
    return this.sets.get(part.querySetId)?.includes(part) === true;
  }

  /** Parts of small tables, of query sets whose beginning the client has been sent. */
  rowsParts(): RowsPart[] {
    return [...this.active].flatMap((id) =>
      (this.sets.get(id) ?? []).filter((part) => part instanceof RowsPart),
    );
  }

  /**
   * What a query set begins with, as a message. It is kept up to date only once
   * `activate` was called, behind that message. Throws `SyncRefusal`.
   */
  async open(message: Message<"Subscribe">): Promise<Uint8Array> {
    const { requestId, querySetId, queryStrings } = message;
    const queries = queryStrings.map(readQuery);
    if (queries.length === 0) throw new SyncRefusal("bad_query", `there is no query; ${QUERY_HELP}`);
    if (this.sets.has(querySetId.id)) {
      throw new SyncRefusal(
        "bad_query",
        `query set ${querySetId.id} is in use; end it first or take another number`,
      );
    }
    this.requireScope();
    if (this.count + queries.length > this.deps.limits.queries) {
      throw new SyncRefusal(
        "too_many_queries",
        `a session keeps ${this.deps.limits.queries} queries up to date; end some, or open another session`,
      );
    }
    const opened = await this.read(queries, querySetId.id);
    this.sets.set(querySetId.id, opened.parts);
    this.count += opened.parts.length;
    return encodeBsatn(serverMessage, {
      tag: "SubscribeApplied",
      value: { requestId, querySetId, rows: opened.rows },
    });
  }

  /** Begin to keep a query set up to date. */
  async activate(querySetId: number): Promise<void> {
    this.active.add(querySetId);
    for (const part of this.sets.get(querySetId) ?? []) {
      // Read again, because these may have changed unseen since they were.
      if (part instanceof RowsPart) await this.refresh(part);
      else if (isStreamPart(part) && !isOver(part)) {
        part.feed = this.deps.feeds.follow(part.query.streamId, part);
      }
      if (this.has(part)) this.onMoved(part);
    }
  }

  /** Leave a stream of which the client has all that it asked for. */
  settle(part: Part): void {
    if (isStreamPart(part) && isOver(part)) this.unfollow(part);
  }

  /** Answer a query once. Throws `SyncRefusal`. */
  async answer({ queryString }: Message<"OneOffQuery">): Promise<QueryRows> {
    const query = readQuery(queryString);
    this.requireScope();
    return (await this.read([query], 0)).rows;
  }

  /** End a query set. Answers the rows that the client has of it when it asks for them and they fit into an answer. */
  async end({ querySetId, flags }: Message<"Unsubscribe">): Promise<QueryRows | undefined> {
    const parts = this.sets.get(querySetId.id);
    if (parts === undefined) {
      throw new SyncRefusal("bad_query", `there is no query set ${querySetId.id} to end`);
    }
    this.drop(querySetId.id);
    return flags.tag === "SendDroppedRows" ? this.heldRows(parts) : undefined;
  }

  drop(querySetId: number): void {
    const parts = this.sets.get(querySetId) ?? [];
    this.sets.delete(querySetId);
    this.active.delete(querySetId);
    this.count -= parts.length;
    for (const part of parts) this.unfollow(part);
  }

  close(): void {
    for (const id of this.sets.keys()) this.drop(id);
  }

  /** Whether a part's stream has turned out to be somebody else's. */
  isForbidden(part: EventsPart | HeadPart): boolean {
    const { tenant } = part;
    return tenant !== undefined && part.feed?.tenant !== undefined && part.feed.tenant !== tenant;
  }

  /** Bring a part's rows up to date with where they are kept. */
  async refresh(part: RowsPart): Promise<void> {
    part.set(await this.keyedRows(part.query));
  }

  private unfollow(part: Part): void {
    if (!isStreamPart(part)) return;
    if (part.feed !== undefined) this.deps.feeds.unfollow(part.feed, part);
    part.feed = undefined;
  }

  private requireScope(): void {
    if (this.claims.scopes.has(SCOPES.subscribe)) return;
    throw new SyncRefusal("missing_scope", `the token lacks the scope ${SCOPES.subscribe}`);
  }

  private async read(queries: readonly Query[], querySetId: number): Promise<Opened> {
    const streamIds = new Set<string>();
    for (const query of queries) {
      if (isOfStream(query)) streamIds.add(query.streamId);
      else if (!this.isOwn(query)) {
        throw new SyncRefusal("forbidden_rows", "rows of an identity or a client are for itself only");
      }
    }
    const heads = await this.reachableHeads(streamIds);
    for (const query of queries) {
      if (query.table === "sync_event") {
        checkReplay(query, heads.get(query.streamId), this.deps.limits.rows);
      }
    }
    const parts: Part[] = [];
    const tables: { table: string; rows: ReturnType<typeof rowListOf> }[] = [];
    let rowsLeft = this.deps.limits.rows;
    let bytesLeft = this.deps.limits.rowBytes;
    for (const query of queries) {
      const { part, rows } = await this.openPart(query, querySetId, heads, rowsLeft, bytesLeft);
      rowsLeft -= rows.length;
      bytesLeft -= rows.reduce((sum, row) => sum + row.length, 0);
      parts.push(part);
      tables.push({ table: query.table, rows: rowListOf(rows) });
    }
    return { parts, rows: { tables } };
  }

  private async openPart(
    query: Query,
    querySetId: number,
    heads: ReadonlyMap<string, StreamHead>,
    rowsMax: number,
    bytesMax: number,
  ): Promise<{ readonly part: Part; readonly rows: readonly Uint8Array[] }> {
    switch (query.table) {
      case "sync_event": {
        const { rows, lastSeq } = await readEvents(this.deps.store, query, rowsMax, bytesMax);
        const tenant = this.tenantOf(query.streamId);
        return { part: new EventsPart(query, querySetId, lastSeq, tenant, this.onMoved), rows };
      }
      case "stream_head": {
        const head = heads.get(query.streamId);
        const part = new HeadPart(query, querySetId, head, this.tenantOf(query.streamId), this.onMoved);
        return { part, rows: head === undefined ? [] : [headRow(head)] };
      }
      case "stream_checkpoint":
      case "active_connection":
      case "nostr_presence_claim": {
        const part = new RowsPart(query, querySetId);
        const rows = await this.keyedRows(query);
        part.set(rows);
        part.took();
        return { part, rows: [...rows.values()] };
      }
    }
  }

  private async keyedRows(query: RowsPart["query"]): Promise<ReadonlyMap<string, Uint8Array>> {
    if (query.table === "stream_checkpoint") {
      const checkpoints = await listCheckpoints(this.deps.checkpointsDb, query.clientId, query.streamId);
      return new Map(checkpoints.map((one) => [checkpointKey(one), checkpointRow(one)]));
    }
    const row = this.deps.presence.row(query.identityHex, query.table);
    return new Map(row === undefined ? [] : [[query.identityHex, row]]);
  }

  /** The heads of streams that the token reaches. Throws for one that it does not. */
  private async reachableHeads(streamIds: ReadonlySet<string>): Promise<ReadonlyMap<string, StreamHead>> {
    for (const id of streamIds) {
      if (decideAccess(this.claims, id) === "not_granted") throw forbiddenStream(id);
    }
    if (streamIds.size === 0) return new Map();
    const heads = await this.deps.store.listHeads([...streamIds]);
    for (const head of heads) {
      const tenant = this.tenantOf(head.streamId);
      if (tenant !== undefined && head.tenant !== tenant) throw forbiddenStream(head.streamId);
    }
    return new Map(heads.map((head) => [head.streamId, head]));
  }

  /** Whose a stream must be for this token; undefined where the token names the stream. */
  private tenantOf(streamId: string): string | undefined {
    return decideAccess(this.claims, streamId) === "granted"
      ? undefined
      : tenantWanted(this.claims, streamId);
  }

  private isOwn(query: Exclude<Query, { streamId: string; table: "sync_event" | "stream_head" }>): boolean {
    return query.table === "stream_checkpoint"
      ? isOwnClient(this.claims, query.clientId)
      : query.identityHex === this.claims.identityHex;
  }

  private async heldRows(parts: readonly Part[]): Promise<QueryRows | undefined> {
    const { rows: rowsMax, rowBytes } = this.deps.limits;
    try {
      const tables: { table: string; rows: ReturnType<typeof rowListOf> }[] = [];
      for (const part of parts) {
        tables.push({ table: part.query.table, rows: rowListOf(await this.heldOf(part, rowsMax, rowBytes)) });
      }
      return { tables };
    } catch (error) {
      // Too many to tell, or trimmed: the client keeps what it has.
      if (error instanceof SyncRefusal) return undefined;
      throw error;
    }
  }

  private async heldOf(part: Part, rowsMax: number, bytesMax: number): Promise<readonly Uint8Array[]> {
    if (part instanceof RowsPart) return [...part.held.values()];
    if (part instanceof HeadPart) return part.held === undefined ? [] : [part.held];
    if (!(part instanceof EventsPart)) return [];
    if (part.cursor - part.query.afterSeq > BigInt(rowsMax)) {
      throw new SyncRefusal("replay_budget_exceeded", "the rows do not fit into one answer");
    }
    const query = { ...part.query, throughSeq: part.cursor };
    return (await readEvents(this.deps.store, query, rowsMax, bytesMax)).rows;
  }
}

/** A client's checkpoints are its own when its id begins with who it is. */
export function isOwnClient({ sub, identityHex }: Claims, clientId: string): boolean {
  return [sub, identityHex].some((own) => clientId === own || clientId.startsWith(`${own}:`));
}

export function isStreamPart(part: Part): part is EventsPart | HeadPart {
  return part instanceof EventsPart || part instanceof HeadPart;
}

function isOver(part: EventsPart | HeadPart): boolean {
  return part instanceof EventsPart && part.isOver;
}

function readQuery(text: string): Query {
  const query = parseQuery(text);
  if (query === undefined) throw new SyncRefusal("bad_query", QUERY_HELP);
  return query;
}

function isOfStream(query: Query): query is Extract<Query, { table: "sync_event" | "stream_head" }> {
  return query.table === "sync_event" || query.table === "stream_head";
}
