// The measured service in a process of its own, as in production: a stack on a
// given PostgreSQL. Prints its address as one JSON line and runs until SIGTERM.

import { silentLogger } from "@openagents/service";
import { startStack } from "@openagents/stack";

const [dataDir, databaseUrl] = process.argv.slice(2);
if (dataDir === undefined || databaseUrl === undefined)
  throw new Error("usage: server.ts DATA_DIR DATABASE_URL");

const stack = await startStack({
  dataDir,
  home: dataDir,
  portBase: 0,
  databaseUrl,
  version: "bench",
  log: silentLogger(),
});
process.stdout.write(`${JSON.stringify({ url: stack.record.runtimeUrl, localId: stack.keys.localId })}\n`);
const stop = () => void stack.stop().then(() => process.exit(0));
process.once("SIGTERM", stop);
// The bench is gone, however it ended.
process.stdin.resume().once("end", stop);
