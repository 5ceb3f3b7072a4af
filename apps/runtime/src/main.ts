import { createLogger } from "@openagents/service";
import { createRuntime } from "./app.ts";
import { ConfigError, configFromEnv } from "./config.ts";

const log = createLogger("runtime_service", process.env["LOG_LEVEL"]);

try {
  const runtime = createRuntime(configFromEnv(process.env), { log });
  const stop = () => {
    runtime[Symbol.asyncDispose]().then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, "shutdown failed");
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  const { url } = await runtime.start();
  log.info({ url }, "runtime ready");
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(78);
}
