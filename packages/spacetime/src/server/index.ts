export { SCOPES, SYNC_AUDIENCE, TOKEN_LIFE_S_MAX } from "./claims.ts";
export { configFromEnv } from "./config.ts";
export { grantStreamReads } from "./grant-reads.ts";
export {
  CHECKPOINT_MIGRATIONS,
  createSyncServer,
  type SyncServer,
  type SyncServerConfig,
  type SyncServerDeps,
} from "./sync-server.ts";
