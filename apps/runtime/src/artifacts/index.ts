export { openArtifactDisk, type ArtifactDisk } from "./disk.ts";
export { PATCH_BYTES_MAX, readPatch } from "./patch.ts";
export { artifactRoutes, type ArtifactRoutesDeps } from "./routes.ts";
export { listGranted } from "./store.ts";
