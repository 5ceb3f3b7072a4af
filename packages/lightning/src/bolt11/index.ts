export { AMOUNT_MSATS_MAX } from "./amount.ts";
export { INVOICE_LENGTH_MAX } from "./bech32-text.ts";
export { Bolt11Error, type Bolt11Rule } from "./bolt11-error.ts";
export { decodeInvoice } from "./decode.ts";
export { encodeInvoice, type EncodeOptions } from "./encode.ts";
export { addressOf, type FallbackAddress } from "./fallback.ts";
export { FEATURES, FEATURES_DEFAULT, hasFeature } from "./features.ts";
export {
  EXPIRY_SECONDS_DEFAULT,
  MIN_FINAL_CLTV_DEFAULT,
  expiresAtMs,
  type Description,
  type Invoice,
  type InvoiceTerms,
  type RouteHop,
} from "./invoice.ts";
export type { Network } from "./network.ts";
