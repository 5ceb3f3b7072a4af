export { findConnection } from "./find-connection.ts";
export type { MailProvider } from "./integration.ts";
export { createPersonalSecrets, type PersonalSecrets } from "./personal-secrets.ts";
export { integrationRoutes } from "./routes.ts";
export { createSealer, type Sealer } from "./seal.ts";
