export { integrationRoutes } from "./routes.ts";
export { createSealer } from "./seal.ts";
