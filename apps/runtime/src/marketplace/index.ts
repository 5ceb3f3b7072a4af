export { totalPrice, type Quote } from "./quote.ts";
export { marketplaceRoutes, type MarketplaceRoutesDeps } from "./routes.ts";
export { findQuote } from "./store.ts";
