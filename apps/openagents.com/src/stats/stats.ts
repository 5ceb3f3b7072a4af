// The figures of the whole market. The runtime publishes them once a minute;
// they are fetched once a minute for all, so that everyone is told the same.

import { ProblemError, Streams, createClient, type GetStatsResponse } from "@openagents/contracts";
import { startSweep, type After, type Logger } from "@openagents/service";

export type Stats = AsyncDisposable & {
  /** What was published last; undefined while nothing was ever heard. */
  latest(): GetStatsResponse | undefined;
};

export type StatsDeps = {
  readonly runtimeUrl: string;
  /** A token of the service itself that reads streams. */
  readonly token: () => Promise<string>;
  readonly log: Logger;
  readonly after?: After | undefined;
  readonly everyMs?: number;
};

const EVERY_MS = 60_000;

/** A runtime that is away is asked this often: a service that starts before it must not stay silent for a minute. */
const RETRY_EVERY_MS = 1_000;

const STREAM = "runtime.stats";

export function startStats({ runtimeUrl, token, log, after, everyMs = EVERY_MS }: StatsDeps): Stats {
  const streams = createClient(Streams, { baseUrl: runtimeUrl, token });
  let latest: GetStatsResponse | undefined;
  let heardAtMs = Number.NEGATIVE_INFINITY;
  const sweep = startSweep({
    what: "figures of the market",
    everyMs: Math.min(everyMs, RETRY_EVERY_MS),
    log,
    after,
    async look(signal) {
      if (latest !== undefined && performance.now() - heardAtMs < everyMs) return;
      const answer = await streams.getStreamSnapshot({ streamId: STREAM }, { signal }).catch(nothingYet);
      if (answer === undefined) return;
      const { snapshot } = answer;
      latest = statsOf(snapshot) ?? latest;
      heardAtMs = performance.now();
    },
  });
  return { latest: () => latest, [Symbol.asyncDispose]: () => sweep[Symbol.asyncDispose]() };
}

/** A runtime that is new has published nothing. */
function nothingYet(error: unknown): undefined {
  if (error instanceof ProblemError && error.status === 404) return undefined;
  throw error;
}

/** What the runtime published, as everyone is told it. Undefined for what is not that. */
export function statsOf(snapshot: unknown): GetStatsResponse | undefined {
  const newest = member(snapshot, "newest");
  const facts = member(newest, "payload");
  const occurredAt = member(newest, "occurred_at");
  const asOf = typeof occurredAt === "string" ? Date.parse(occurredAt) : Number.NaN;
  const numbers = [
    "counted_through_ms",
    "jobs_released",
    "jobs_withheld",
    "released_msats",
    "providers_online",
  ].map((name) => member(facts, name));
  const [countedThrough, released, withheld, msats, online] = numbers.filter(isCount);
  if (!Number.isFinite(asOf) || countedThrough === undefined || released === undefined) return undefined;
  if (withheld === undefined || msats === undefined || online === undefined) return undefined;
  return {
    asOf,
    market: {
      countedThrough,
      jobsReleased: BigInt(released),
      jobsWithheld: BigInt(withheld),
      releasedMsats: BigInt(msats),
      providersOnline: online,
    },
    // There is nothing of theirs to count yet, and a zero would say that there were nothing in them.
    hydra: { state: "not_running" },
    aegis: { state: "not_running" },
  };
}

function member(value: unknown, name: string): unknown {
  if (typeof value !== "object" || value === null) return undefined;
  return new Map(Object.entries(value)).get(name);
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}
