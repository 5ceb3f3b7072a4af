// How delivery is doing, in one answer for people and alarms. What sync servers
// count they tell at their own /metrics; one that does not answer is said to be away.

import type { GetSyncMetricsResponse, SyncMirror, SyncServer } from "@openagents/contracts";
import { statement, type Database } from "@openagents/postgres";
import type { MirrorStats } from "../mirror/index.ts";

export type SyncMetricsDeps = {
  readonly db: Database;
  readonly nowMs: () => number;
  /** Addresses of the sync servers, without a slash at their ends. */
  readonly syncServerUrls: () => readonly string[];
  /** Absent without a SpacetimeDB server. */
  readonly mirror?: MirrorStats | undefined;
};

const ASK_MS_MAX = 1_000;

// Counting millions of rows at each look would be a look at all of history.
const ESTIMATE = statement(
  "streams.estimate",
  `SELECT greatest(0, reltuples)::bigint AS estimate FROM pg_class
    WHERE oid = ANY($1::regclass[]) ORDER BY array_position($1::regclass[]::oid[], oid)`,
);

export async function syncMetrics(deps: SyncMetricsDeps): Promise<GetSyncMetricsResponse> {
  const tables = ["sync.stream_heads", "sync.stream_events"];
  const [estimates, servers] = await Promise.all([
    deps.db.query<{ estimate: bigint }>(ESTIMATE, [tables]),
    Promise.all(deps.syncServerUrls().map(askServer)),
  ]);
  return {
    transport: "spacetime_ws",
    streamCount: estimates[0]?.estimate ?? 0n,
    eventCount: estimates[1]?.estimate ?? 0n,
    mirror: deps.mirror === undefined ? undefined : mirrorMessage(deps.mirror),
    servers,
    generatedAt: deps.nowMs(),
  };
}

function mirrorMessage({ appendedTotal, behind, waiting, failedTotal }: MirrorStats): SyncMirror {
  return {
    appendedTotal: BigInt(appendedTotal),
    outboxDepth: BigInt(behind),
    waiting: BigInt(waiting),
    authFailuresTotal: BigInt(failedTotal.unauthorized),
    rateLimitedFailuresTotal: BigInt(failedTotal.rate_limited),
    networkFailuresTotal: BigInt(failedTotal.unreachable),
    validationFailuresTotal: BigInt(failedTotal.rejected),
  };
}

async function askServer(url: string): Promise<SyncServer> {
  try {
    const response = await fetch(`${url}/metrics`, {
      redirect: "error",
      signal: AbortSignal.timeout(ASK_MS_MAX),
    });
    if (!response.ok) return awayServer(url);
    return serverOf(url, readMetrics(await response.text()));
  } catch {
    return awayServer(url);
  }
}

function awayServer(url: string): SyncServer {
  return {
    url,
    reachable: false,
    sessions: undefined,
    subscriptions: undefined,
    streams: undefined,
    lagEventsMax: undefined,
    eventsDeliveredTotal: undefined,
    slowConsumersCutTotal: undefined,
  };
}

function serverOf(url: string, metrics: ReadonlyMap<string, number>): SyncServer {
  const figure = (name: string) => BigInt(Math.round(metrics.get(`openagents_sync_${name}`) ?? 0));
  return {
    url,
    reachable: true,
    sessions: figure("sessions"),
    subscriptions: figure("subscriptions"),
    streams: figure("streams"),
    lagEventsMax: figure("lag_events_max"),
    eventsDeliveredTotal: figure("events_delivered_total"),
    slowConsumersCutTotal: figure('sessions_ended_total{reason="slow_consumer"}'),
  };
}

/** Lines of the Prometheus text format: the name with its labels, and the number. */
export function readMetrics(text: string): ReadonlyMap<string, number> {
  const metrics = new Map<string, number>();
  for (const line of text.split("\n")) {
    const [, name, value] = /^([a-z_]+(?:\{[^}]*\})?) ([0-9.eE+-]+)$/.exec(line) ?? [];
    if (name !== undefined) metrics.set(name.replace(/\{service="[^"]*"\}$/, ""), Number(value));
  }
  return metrics;
}
