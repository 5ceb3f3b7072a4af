// The runtime or a sync server as a process of its own, which a test may kill.
//
//   node service-process.ts runtime|sync CONFIG

import { createRuntime } from "@openagents/runtime";
import { silentLogger } from "@openagents/service";
import { createSyncServer } from "@openagents/spacetime";

const [, , kind, text = ""] = process.argv;
const config = JSON.parse(text);
const log = silentLogger();
const service = kind === "runtime" ? createRuntime(config, { log }) : createSyncServer(config, { log });

try {
  const { url } = await service.start();
  process.stdout.write(`${url}\n`);
} catch {
  // Its database is away: whoever started it tries again.
  process.exit(75);
}
