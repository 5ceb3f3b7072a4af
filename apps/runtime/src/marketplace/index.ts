export { decideReplacement, decideReserve, type Second } from "./decide-selection.ts";
export { CANDIDATES_MAX, SANDBOX_RUN, operatorFee, totalPrice, type Quote } from "./quote.ts";
export { marketplaceRoutes, type MarketplaceRoutesDeps } from "./routes.ts";
export { findQuote } from "./store.ts";
