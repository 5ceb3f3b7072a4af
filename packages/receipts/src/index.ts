export { DEPTH_MAX, assertReceiptNumbers, canonicalize } from "./canonicalize.ts";
export { chainEvent, payloadHash, sha256Hex, type ChainedEvent } from "./hash.ts";
export { JsonError, type JsonObject, type JsonValue } from "./json.ts";
export { TEXT_LENGTH_MAX, parseStrict } from "./parse.ts";
export { quoteHash } from "./quote.ts";
export { receiptHash, receiptIdOf, sealReceipt, type Receipt, type ReceiptFacts } from "./receipt.ts";
export { RECEIPT_PREFIXES, isReceiptSchema, type ReceiptSchema } from "./schemas.ts";
export {
  SIGNATURE_SCHEMA,
  SIGNATURE_SCHEME,
  publicKeyOf,
  signHash,
  signReceipt,
  verifySignature,
  type ReceiptSignature,
} from "./signature.ts";
export { verifyReceipt, type Check, type ReceiptChecks } from "./verify.ts";
