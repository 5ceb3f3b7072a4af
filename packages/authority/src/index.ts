export {
  createAuthority,
  type Authority,
  type AuthorityDeps,
  type Batch,
  type Command,
} from "./authority.ts";
export type { BatchKind, Decided } from "./batch.ts";
export type { Decision, Streams } from "./decision.ts";
export type { FreezeAnswer } from "./freeze.ts";
export { newId } from "./ids.ts";
export { findIntent, listIntentsByEffect } from "./intent-store.ts";
export { startIntentWorker, type IntentHandler, type IntentWorker } from "./intent-worker.ts";
export type { ActResult, Effect, Intent, IntentDraft, IntentStatus, TerminalEffect } from "./intent.ts";
export {
  PLACE_COLUMNS,
  listOffered,
  placeOf,
  takeOffered,
  type NextPlace,
  type Offered,
  type OfferedPlace,
  type PlaceRow,
} from "./offered.ts";
export type { Answer, Conclusion, Nothing, Outcome, Refusal } from "./outcome.ts";
export { createReceiptSigner, signStored, type ReceiptSigner } from "./receipt-signer.ts";
export { streamEventsWrite, type StreamEventDraft } from "./stream.ts";
export {
  draftOf,
  eventDraft,
  openFollower,
  startAnnouncer,
  type Announcer,
  type Follower,
} from "./stream-events/index.ts";
export {
  findReceipt,
  findReceipts,
  getMode,
  listReceipts,
  modeWrite,
  type ModeState,
  type ReceiptKey,
  type StoredReceipt,
} from "./store.ts";
