export { latencyBuckets, latencyMeasure, quantileMs } from "./buckets.ts";
export { countMarket, sumCounts } from "./store.ts";
