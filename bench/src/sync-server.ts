// The measured sync server, alone in a process as in production. Takes its
// configuration as JSON, prints its address as one line, and runs until SIGTERM.

import { silentLogger } from "@openagents/service";
import { createSyncServer, type SyncServerConfig } from "@openagents/spacetime";

const config = JSON.parse(process.argv[2] ?? "") as SyncServerConfig;
const server = createSyncServer(config, { log: silentLogger() });
const { url } = await server.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
const stop = () => void server[Symbol.asyncDispose]().then(() => process.exit(0));
process.once("SIGTERM", stop);
// The bench is gone, however it ended.
process.stdin.resume().once("end", stop);
