export { startAdjudicator } from "./adjudicator.ts";
export { fraudRoutes } from "./routes.ts";
