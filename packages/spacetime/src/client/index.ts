export { type Cursor } from "./apply.ts";
export {
  checkpointRecordOf,
  memoryCheckpoints,
  parseCheckpointRecord,
  type CheckpointRecord,
  type Checkpoint,
  type CheckpointStore,
  type HandlerCheckpoints,
} from "./checkpoint.ts";
export {
  openIndexedDbCheckpoints,
  type IndexedDb,
  type IndexedDbCheckpointsOptions,
} from "./indexeddb-checkpoints.ts";
export { type Completeness, type Digest, type LoggedHead, type ReadDigest } from "./prove.ts";
export { runtimeReaders, type RuntimeReaders } from "./runtime-readers.ts";
export { type OpenSocket, type Socket } from "./socket.ts";
export {
  type StreamBatch,
  type StreamFailure,
  type StreamSnapshot,
  type StreamSpec,
  type StreamState,
} from "./stream.ts";
export {
  startSyncClient,
  type ConnectionState,
  type SyncClient,
  type SyncClientOptions,
  type SyncStatus,
  type SyncToken,
} from "./sync-client.ts";
export { type Timers } from "./timers.ts";
