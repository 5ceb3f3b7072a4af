export { decideReplacement, decideReserve, isEligible, type WorkOrder } from "./decide-selection.ts";
export { loadMarketFacts } from "./quote-work.ts";
export { rankFirst, type Demand } from "./offers.ts";
export { operatorFee } from "./price.ts";
export { CANDIDATES_MAX, totalPrice, type Quote } from "./quote.ts";
export { marketplaceRoutes, type MarketplaceRoutesDeps } from "./routes.ts";
export { findQuote } from "./store.ts";
