export { mailDeliveryRoutes } from "./routes.ts";
export { forgetMailDeliveries } from "./store.ts";
export { recordMailDelivery } from "./record.ts";
