export { decideRerun } from "./decide-rerun.ts";
export { drawOf } from "./draw.ts";
export { keepSeeds } from "./keep-seeds.ts";
export { samplingRoutes } from "./routes.ts";
export type { RandomBytes } from "./service.ts";
export { findSeed } from "./store.ts";
export { expectedPrice, samplingTerms, type SamplingTerms } from "./terms.ts";
