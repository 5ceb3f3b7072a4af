// Latencies as counts of buckets, four to each doubling, so that quantiles over
// any time cost a handful of rows and are right to within a fifth. Pure.

const PER_DOUBLING = 4;
const NAME = /^latency:([0-9]+)$/;

export function latencyMeasure(latencyMs: number): `latency:${number}` {
  return `latency:${Math.floor(PER_DOUBLING * Math.log2(Math.max(1, latencyMs)))}`;
}

export type LatencyBucket = { readonly atMostMs: number; readonly count: number };

/** The latency buckets among counts by measure, the fastest first. */
export function latencyBuckets(counts: ReadonlyMap<string, number>): LatencyBucket[] {
  const buckets: LatencyBucket[] = [];
  for (const [measure, count] of counts) {
    const bucket = NAME.exec(measure)?.[1];
    if (bucket === undefined) continue;
    buckets.push({ atMostMs: Math.ceil(2 ** ((Number(bucket) + 1) / PER_DOUBLING)), count });
  }
  return buckets.toSorted((a, b) => a.atMostMs - b.atMostMs);
}

/** The upper bound of the bucket in which a share of all is reached; undefined without any. */
export function quantileMs(buckets: readonly LatencyBucket[], percent: number): number | undefined {
  const total = buckets.reduce((sum, { count }) => sum + count, 0);
  let seen = 0;
  for (const { atMostMs, count } of buckets) {
    seen += count;
    if (seen * 100 >= total * percent) return atMostMs;
  }
  return undefined;
}
