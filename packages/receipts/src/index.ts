export { checkInclusion, type InclusionCheck } from "./check-inclusion.ts";
export { DEPTH_MAX, assertReceiptNumbers, canonicalize } from "./canonicalize.ts";
export { chainEvent, payloadHash, type ChainedEvent } from "./hash.ts";
export { sha256Hex } from "./sha256.ts";
export { JsonError, type JsonObject, type JsonValue } from "./json.ts";
export {
  NoteError,
  TILE_WIDTH,
  consistencyRanges,
  emptyRoot,
  encodeEntries,
  equalHashes,
  formatNoteKey,
  growTree,
  hashLeaf,
  inclusionRanges,
  joinPerfect,
  noteKeyOf,
  openCheckpoint,
  parseCheckpoint,
  parseNote,
  parseNoteKey,
  parseTile,
  parseTilePath,
  rangeHashes,
  signCheckpoint,
  tilePath,
  tilesOf,
  verifyConsistency,
  verifyInclusion,
  widthIn,
  type Checkpoint,
  type Growth,
  type NoteKey,
  type Range,
  type TileId,
  type TileRoot,
  type TreeEdge,
  type TreeHead,
} from "./log/index.ts";
export { TEXT_LENGTH_MAX, parseStrict } from "./parse.ts";
export { pushHash } from "./push.ts";
export { quoteHash } from "./quote.ts";
export { receiptHash, receiptIdOf, sealReceipt, type Receipt, type ReceiptFacts } from "./receipt.ts";
export { RECEIPT_PREFIXES, isReceiptSchema, keeperOf, type ReceiptSchema } from "./schemas.ts";
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
