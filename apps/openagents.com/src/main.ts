import { runService } from "@openagents/service";
import { createControl } from "./app.ts";
import { configFromEnv } from "./config.ts";

await runService("control_service", (env, log) => createControl(configFromEnv(env), { log }));
