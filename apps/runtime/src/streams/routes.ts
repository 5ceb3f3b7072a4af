import type { Authority } from "@openagents/authority";
import { ProblemError, Streams, bind, type Binding, type Principal } from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { parseStreamId } from "@openagents/streams";
import { decodeCursor, encodeCursor, invalidField, notFound, PAGE_DEFAULT } from "@openagents/service";
import { chainAt, walkChain } from "./chain.ts";
import { publishStats } from "./publish-stats.ts";
import { sealStreamHead } from "./seal-head.ts";
import { snapshotOf } from "./snapshot.ts";
import { findHead, listEvents, listHeads, listSealedHeads, type Head } from "./store.ts";
import { syncMetrics, type SyncMetricsDeps } from "./sync-metrics.ts";
import { trimStream } from "./trim.ts";
import { sealedHeadMessage, streamEventMessage, streamMessage } from "./wire.ts";

export type StreamRoutesDeps = {
  readonly db: Database;
  readonly authority: Authority;
  readonly nowMs: () => number;
} & SyncMetricsDeps;

const EVENTS_DEFAULT = 200;

/** Events that one digest walks. */
const DIGEST_EVENTS_MAX = 100_000n;

const SEQ_MAX = 2n ** 63n - 1n;

export function streamRoutes(deps: StreamRoutesDeps): Binding {
  const { db } = deps;
  return bind(Streams, {
    async listStreams(request, call) {
      const after =
        request.cursor === undefined ? "" : decodeCursor(request.cursor, /^[0-9A-Za-z_:.-]{1,160}$/);
      const limit = request.limit ?? PAGE_DEFAULT;
      const found = await listHeads(db, tenantsOf(call.principal), after, request.prefix ?? "", limit + 1);
      const page = found.slice(0, limit);
      const last = found.length > limit ? page.at(-1) : undefined;
      return {
        streams: page.map(streamMessage),
        nextCursor: last === undefined ? undefined : encodeCursor(last.streamId),
      };
    },

    async listStreamEvents(request, call) {
      const head = await requireHead(db, call.principal, request.streamId);
      const after = request.afterSeq ?? 0n;
      if (after < head.floorSeq) throw staleCursor(head, after);
      const events = await listEvents(db, head.streamId, after, request.limit ?? EVENTS_DEFAULT);
      return { stream: streamMessage(head), events: events.map(streamEventMessage) };
    },

    async getStreamSnapshot(request, call) {
      return snapshotOf(deps, await requireHead(db, call.principal, request.streamId));
    },

    async getStreamDigest(request, call) {
      const head = await requireHead(db, call.principal, request.streamId);
      const { streamId, headSeq } = head;
      const from = request.from ?? 0n;
      const to = request.to ?? headSeq;
      if (to > headSeq)
        throw invalidField("to", "not_reached", `The newest event of ${streamId} is ${headSeq}.`);
      if (from > to) throw invalidField("from", "span_empty", "`from` must not be later than `to`.");
      if (to - from > DIGEST_EVENTS_MAX)
        throw invalidField("to", "span_too_long", `Ask for at most ${DIGEST_EVENTS_MAX} events at once.`);
      const start = await chainAt(db, streamId, from);
      const end = start === undefined ? undefined : await walkChain(db, streamId, start, to);
      if (start === undefined || end === undefined) throw staleCursor(head, from);
      return {
        streamId,
        fromSeq: from,
        fromChain: start.chainHash,
        toSeq: to,
        chainHash: end.chainHash,
        headSeq,
      };
    },

    async listStreamHeads(request, call) {
      const head = await requireHead(db, call.principal, request.streamId);
      const through = (request.beforeSeq ?? SEQ_MAX) - 1n;
      const heads = await listSealedHeads(db, head.streamId, through, request.limit ?? PAGE_DEFAULT);
      return { heads: heads.map(sealedHeadMessage) };
    },

    getSyncMetrics: () => syncMetrics(deps),
    sealStreamHead: (request, call) => sealStreamHead(deps, call, request.streamId),
    trimStream: (request, call) => trimStream(deps, call, request.streamId),
    publishStats: (_request, call) => publishStats(deps, call),
  });
}

/** A stream belongs to an organisation, or to one person. */
function tenantsOf({ org, id }: Principal): string[] {
  return [org, id];
}

/** The stream of the caller's organisation, or one that is for everybody. */
async function requireHead(db: Database, principal: Principal, streamId: string): Promise<Head> {
  const name = parseStreamId(streamId);
  const head = name === undefined ? undefined : await findHead(db, streamId);
  const isReached =
    head !== undefined && (tenantsOf(principal).includes(head.tenant) || name?.family === "stats");
  if (head === undefined || !isReached) throw notFound("stream", streamId);
  return head;
}

function staleCursor(head: Head, asked: bigint): ProblemError {
  return new ProblemError({
    status: 410,
    code: "stale_cursor",
    detail: `Events of ${head.streamId} are kept from ${head.floorSeq + 1n} on, and what follows ${asked} is not there any more. Start from its snapshot.`,
  });
}
