// The measured control service, alone in a process as in production. Takes its
// configuration as JSON, prints its address as one line, and runs until SIGTERM.

import { createControl, type ControlConfig } from "@openagents/control";
import { silentLogger } from "@openagents/service";

const config = JSON.parse(process.argv[2] ?? "") as ControlConfig;
const control = createControl(config, { log: silentLogger() });
const { url } = await control.start();
process.stdout.write(`${JSON.stringify({ url })}\n`);
const stop = () => void control[Symbol.asyncDispose]().then(() => process.exit(0));
process.once("SIGTERM", stop);
// The bench is gone, however it ended.
process.stdin.resume().once("end", stop);
