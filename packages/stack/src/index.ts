export { dataDirAt, homeFolder, type DataDir } from "./data-dir.ts";
export { loadKeys, type StackKeys } from "./keys.ts";
export { shareLock, takeLock, type FileLock } from "./lock.ts";
export { makePrivateFolder, readIfExists, writePrivateFile } from "./private-files.ts";
export { isOperatorKey, listLogPins, listPins, pinLog, pinOperator, type Pin } from "./pins.ts";
export { isPortFree, planPorts } from "./ports.ts";
export { findRunning, recordToWire, type StackRecord } from "./record.ts";
export { allScopes } from "./scopes.ts";
export { StackError } from "./stack-error.ts";
export { openStackLog, stackLogFile } from "./stack-log.ts";
export { startStack, type Stack, type StackOptions, type StackStep } from "./stack.ts";
export { stackStatus, type ServiceStatus, type StackStatus } from "./status.ts";
export { stopStack, type StopOutcome } from "./stop-stack.ts";
export {
  localDevice,
  localOwner,
  localProvider,
  SYNC_TOKEN_TTL_S_MAX,
  TOKEN_TTL_S_MAX,
  mintSyncToken,
  mintToken,
  tokenSource,
  type LocalPrincipal,
  type SyncTokenRequest,
  type TokenRequest,
} from "./tokens.ts";
export {
  activityToWire,
  ensureLocalProviders,
  findSeller,
  listSellers,
  providerSeatAt,
  readActivity,
  requireFreeSeat,
  sellerToWire,
  startLocalProviders,
  startSeller,
  stopSeller,
  type Activity,
  type LocalProvider,
  type LocalProviders,
  type LocalProvidersOptions,
  type ProviderSeat,
  type SellerRecord,
  type SellerStop,
} from "./providers/index.ts";
