export type { Autopilot, AutopilotPolicy } from "./autopilot.ts";
export { autopilotRoutes } from "./routes.ts";
export { findAutopilot, lockAutopilot } from "./store.ts";
