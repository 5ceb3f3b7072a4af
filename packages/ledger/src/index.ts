export { auditLedger, type AuditCheck, type AuditReport } from "./audit.ts";
export {
  available,
  type Account,
  type NewAccount,
  type Transfer,
  type TransferKind,
  type TransferRefusal,
  type TransferRequest,
  type TransferResult,
} from "./ledger.ts";
export { planTransfers, type Loaded, type Plan, type Posting } from "./plan-transfers.ts";
export {
  findAccount,
  listAccountTransfers,
  loadForTransfers,
  postingWrites,
  type StoredTransfer,
} from "./store.ts";
export {
  loadTransferBatch,
  locksOfTransfers,
  type TransferNeed,
  type TransferState,
} from "./transfer-batch.ts";
