export { LIES } from "./market/lies.ts";
export { ordinaryPopulation, simulateMarket } from "./market/simulate-market.ts";
export type { MarketReport } from "./market/summarize.ts";
