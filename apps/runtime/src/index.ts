export { MIGRATIONS, createRuntime, type Runtime, type RuntimeDeps } from "./app.ts";
export type { After } from "./sweep.ts";
export { ConfigError, configFromEnv, type RuntimeConfig } from "./config.ts";
export { grantDemoCredit, loadSpends, openTransferBatch, reserveCompute } from "./treasury/index.ts";
