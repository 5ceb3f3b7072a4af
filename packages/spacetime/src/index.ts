export * from "./bsatn/index.ts";
export * from "./protocol/index.ts";
export * from "./client/index.ts";
export { openFileCheckpoints, type FileCheckpointsOptions } from "./file-checkpoints.ts";
export * from "./server/index.ts";
