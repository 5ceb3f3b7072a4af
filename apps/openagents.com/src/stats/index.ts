export { statsRoutes } from "./routes.ts";
export { startStats, type Stats } from "./stats.ts";
