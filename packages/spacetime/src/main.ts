import { runService } from "@openagents/service";
import { configFromEnv, createSyncServer } from "./server/index.ts";

await runService("sync_service", (env, log) => createSyncServer(configFromEnv(env), { log }));
