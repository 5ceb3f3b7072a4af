export type { Autopilot, AutopilotPolicy } from "./autopilot.ts";
export { autopilotRoutes } from "./routes.ts";
export { findAutopilot, getAutopilot, lockAutopilot } from "./store.ts";
