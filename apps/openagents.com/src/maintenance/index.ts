export { MAINTENANCE, beginMaintenance, isUnderMaintenance } from "./maintenance.ts";
export { maintenanceRoutes } from "./routes.ts";
