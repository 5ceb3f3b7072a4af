export { mailDeliveryRoutes } from "./routes.ts";
export { recordMailDelivery } from "./record.ts";
