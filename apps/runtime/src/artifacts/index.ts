export { openArtifactDisk, type ArtifactDisk } from "./disk.ts";
export { artifactRoutes, type ArtifactRoutesDeps } from "./routes.ts";
export { listGranted } from "./store.ts";
