export { blockRoutes } from "./routes.ts";
export { listBlockersOf } from "./store.ts";
