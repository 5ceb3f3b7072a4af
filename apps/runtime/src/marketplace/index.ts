export { checkInputs, keepInputs, type InputsDeps } from "./check-inputs.ts";
export { decideMembers, mayJoin, type PanelRules } from "./decide-members.ts";
export { decideReplacement, decideReserve, isEligible, type WorkOrder } from "./decide-selection.ts";
export { loadMarketFacts } from "./quote-work.ts";
export { rankFirst, type Demand } from "./offers.ts";
export { jobTypeOf } from "./job-types.ts";
export { operatorFee, supplyClassOf } from "./price.ts";
export {
  CANDIDATES_MAX,
  QUOTE_TTL_MS,
  quoteMessage,
  signTerms,
  totalPrice,
  type Quote,
  type QuoteTerms,
} from "./quote.ts";
export { marketplaceRoutes, type MarketplaceRoutesDeps } from "./routes.ts";
export { findQuote, insertQuote, listQuotesOfPanel } from "./store.ts";
