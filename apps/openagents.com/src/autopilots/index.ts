export type { Autopilot } from "./autopilot.ts";
export { autopilotRoutes } from "./routes.ts";
export { findAutopilot } from "./store.ts";
