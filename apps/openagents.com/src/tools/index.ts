export type { FindConnection } from "./forge-access.ts";
export { toolRoutes } from "./routes.ts";
export { FORGE_WRITES } from "./forge-writes.ts";
export { writeHandler } from "./write-handler.ts";
