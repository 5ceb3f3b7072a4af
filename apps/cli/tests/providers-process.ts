// The local providers of a home as a process of their own, which a test can kill:
// they sell until they are ended, and wait their turn while a command runs them.
// Says that they are registered, on one line.

import { dataDirAt, ensureLocalProviders, findRunning, loadKeys, openStackLog } from "@openagents/stack";

const [folder = ""] = process.argv.slice(2);
const dataDir = dataDirAt(folder);
const stack = findRunning(dataDir);
if (stack === undefined) throw new Error("no stack runs on that home");
await ensureLocalProviders({
  dataDir,
  keys: loadKeys(dataDir),
  runtimeUrl: stack.runtimeUrl,
  log: openStackLog(folder),
  nowMs: Date.now,
  signal: new AbortController().signal,
});
process.stdout.write("registered\n");
