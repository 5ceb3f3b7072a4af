export { startErasures } from "./erasures.ts";
export { createFunds } from "./funds.ts";
export { accountRoutes } from "./routes.ts";
