import { runService } from "@openagents/service";
import { createRuntime } from "./app.ts";
import { configFromEnv } from "./config.ts";

await runService("runtime_service", (env, log) => createRuntime(configFromEnv(env), { log }));
