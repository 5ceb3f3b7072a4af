export { identityOf, type Identity, type IdentityOptions } from "./identity.ts";
export { jobLines, jobsJson, listJobs } from "./jobs.ts";
export { eventLine, eventToWire } from "./lines.ts";
export { askedWords, bandText, collectBand, pricesOf, priceWords, type Prices } from "./prices.ts";
export { logNameOf, sell, type SellOptions } from "./sell.ts";
export { readState, stateJson, stateLines } from "./state.ts";
export {
  CSV_HEAD,
  statementCsv,
  statementJson,
  statementLines,
  statementPages,
  type StatementPeriod,
} from "./statement.ts";
export { toolchainsFor, TOOLCHAIN_OPTION } from "./toolchains.ts";
