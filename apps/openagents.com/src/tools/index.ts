export { commentHandler } from "./comment-handler.ts";
export type { FindConnection } from "./forge-access.ts";
export { toolRoutes } from "./routes.ts";
