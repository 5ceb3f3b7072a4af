export { openArtifactDisk, type ArtifactDisk } from "./disk.ts";
export { PATCH_BYTES_MAX, readBytes, readPatch, readPrefix, readText } from "./read.ts";
export { artifactRoutes, type ArtifactRoutesDeps } from "./routes.ts";
export { listGranted, listJobOutputs } from "./store.ts";
