// What became of a provider's jobs. A row of its own, so that counting never
// waits for the worker's row, which claims and heartbeats lock.

import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";

export type ProviderRecord = {
  readonly jobsDone: number;
  /** By its own fault. An honest failing check is none. */
  readonly jobsFaulty: number;
  readonly jobsReleased: number;
  /** How often it charged more than it was quoted. */
  readonly priceViolations: number;
  /** From the order to the report, of recent jobs; undefined until the first. */
  readonly latencyMs: number | undefined;
};

/** Of one who did nothing yet. */
export const NO_RECORD: ProviderRecord = {
  jobsDone: 0,
  jobsFaulty: 0,
  jobsReleased: 0,
  priceViolations: 0,
  latencyMs: undefined,
};

const LIST = statement(
  "provider_records.list",
  `SELECT worker_id, jobs_done, jobs_faulty, jobs_released, price_violations, latency_ms
     FROM runtime.provider_records WHERE worker_id = ANY($1)`,
);

/** Those of the named workers that have done something. */
export async function listProviderRecords(
  q: Queryable | Tx,
  workerIds: readonly string[],
): Promise<ReadonlyMap<string, ProviderRecord>> {
  type Row = {
    worker_id: string;
    jobs_done: bigint;
    jobs_faulty: bigint;
    jobs_released: bigint;
    price_violations: bigint;
    latency_ms: bigint | null;
  };
  const rows = await q.query<Row>(LIST, [workerIds]);
  return new Map(
    rows.map((row) => [
      row.worker_id,
      {
        jobsDone: Number(row.jobs_done),
        jobsFaulty: Number(row.jobs_faulty),
        jobsReleased: Number(row.jobs_released),
        priceViolations: Number(row.price_violations),
        latencyMs: row.latency_ms === null ? undefined : Number(row.latency_ms),
      },
    ]),
  );
}

export type JobEnd = {
  readonly workerId: string;
  readonly faulty: boolean;
  readonly released: boolean;
};

/** At this many jobs the counts are halved, so that old faults and old merits fade. */
const JOBS_REMEMBERED = 200;

/** Count the ends of jobs, at most one for each worker. */
export function recordJobEnds(ends: readonly JobEnd[]): Write {
  // In one order everywhere, so that two settlements never wait for each other in a ring.
  const sorted = ends.toSorted((a, b) => (a.workerId < b.workerId ? -1 : 1));
  const halved = (name: string) =>
    `CASE WHEN r.jobs_done >= ${JOBS_REMEMBERED} THEN r.${name} / 2 ELSE r.${name} END + excluded.${name}`;
  return {
    name: "provider_records.job_ends",
    text: `INSERT INTO runtime.provider_records AS r (worker_id, jobs_done, jobs_faulty, jobs_released)
           SELECT worker_id, 1, faulty::int, released::int
             FROM unnest($1::text[], $2::boolean[], $3::boolean[]) AS e(worker_id, faulty, released)
           ON CONFLICT (worker_id) DO UPDATE SET
             jobs_done = ${halved("jobs_done")},
             jobs_faulty = ${halved("jobs_faulty")},
             jobs_released = ${halved("jobs_released")}`,
    values: [
      sorted.map((end) => end.workerId),
      sorted.map((end) => end.faulty),
      sorted.map((end) => end.released),
    ],
  };
}

/** Let the last job weigh an eighth of the latency that the market expects. */
export function recordLatency(workerId: string, latencyMs: number): Write {
  return {
    name: "provider_records.latency",
    text: `INSERT INTO runtime.provider_records AS r (worker_id, latency_ms) VALUES ($1, $2)
           ON CONFLICT (worker_id) DO UPDATE SET
             latency_ms = (coalesce(r.latency_ms, excluded.latency_ms) * 7 + excluded.latency_ms) / 8`,
    values: [workerId, latencyMs],
  };
}

export function recordPriceViolation(workerId: string): Write {
  return {
    name: "provider_records.price_violation",
    text: `INSERT INTO runtime.provider_records AS r (worker_id, price_violations) VALUES ($1, 1)
           ON CONFLICT (worker_id) DO UPDATE SET price_violations = r.price_violations + 1`,
    values: [workerId],
  };
}
