export { findConnection } from "./find-connection.ts";
export { integrationRoutes } from "./routes.ts";
export { createSealer } from "./seal.ts";
