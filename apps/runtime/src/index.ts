export { MIGRATIONS, createRuntime, type Runtime, type RuntimeDeps } from "./app.ts";
export type { After } from "@openagents/service";
export { configFromEnv, type RuntimeConfig } from "./config.ts";
export { grantDemoCredit, loadSpends, openTransferBatch, reserveCompute } from "./treasury/index.ts";
