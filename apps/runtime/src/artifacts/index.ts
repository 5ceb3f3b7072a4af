export { openArrivals } from "./arrivals.ts";
export { startCollector } from "./collector.ts";
export { diskStore } from "./disk-store.ts";
export { keepGrants } from "./grants.ts";
export { listJobOutputs } from "./job-outputs.ts";
export { PATCH_BYTES_MAX, readBytes, readPatch, readPrefix, readText } from "./read.ts";
export { openReader, type ArtifactReader } from "./reader.ts";
export { QUOTA_DEFAULT, QUOTED_MS, STAGED_MS, type ArtifactQuota } from "./retention.ts";
export { artifactRoutes } from "./routes.ts";
