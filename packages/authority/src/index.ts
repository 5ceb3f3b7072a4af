export { createAuthority, type Authority, type AuthorityDeps, type Command } from "./authority.ts";
export { newId } from "./ids.ts";
export type { Answer, Nothing, Outcome, Refusal } from "./outcome.ts";
export {
  findReceipt,
  getMode,
  listReceipts,
  modeWrite,
  type ModeState,
  type StoredReceipt,
} from "./store.ts";
