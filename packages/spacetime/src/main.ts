import { createLogger } from "@openagents/service";
import { ConfigError, configFromEnv, createSyncServer } from "./server/index.ts";

const log = createLogger("sync_service", process.env["LOG_LEVEL"]);

try {
  const server = createSyncServer(configFromEnv(process.env), { log });
  const stop = () => {
    server[Symbol.asyncDispose]().then(
      () => process.exit(0),
      (error: unknown) => {
        log.fatal({ err: error }, "shutdown failed");
        process.exit(1);
      },
    );
  };
  process.once("SIGTERM", stop);
  process.once("SIGINT", stop);
  const { url } = await server.start();
  log.info({ url }, "sync ready");
} catch (error) {
  if (!(error instanceof ConfigError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exit(78);
}
