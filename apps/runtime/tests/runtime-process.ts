// A runtime in a process of its own, for a test to kill. Prints its address once it serves.

import { createRuntime } from "@openagents/runtime";
import { silentLogger } from "@openagents/service";

const runtime = createRuntime(JSON.parse(process.env["RUNTIME_CONFIG"] ?? ""), { log: silentLogger() });
const { url } = await runtime.start();
process.stdout.write(`${url}\n`);
