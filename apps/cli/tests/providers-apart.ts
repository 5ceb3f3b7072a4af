// Providers of a running stack that are no command's own: they go on when a
// buyer is interrupted or killed.

import { dataDirAt, findRunning, loadKeys, openStackLog, startLocalProviders } from "@openagents/stack";
import type { Home } from "./openagents.ts";

export async function startProvidersApart(home: Home): Promise<AsyncDisposable> {
  const dataDir = dataDirAt(home.folder);
  const stack = findRunning(dataDir);
  if (stack === undefined) throw new Error("no stack runs on that home");
  const providers = await startLocalProviders({
    dataDir,
    keys: loadKeys(dataDir),
    runtimeUrl: stack.runtimeUrl,
    log: openStackLog(home.folder),
    nowMs: Date.now,
    signal: new AbortController().signal,
  });
  return { [Symbol.asyncDispose]: () => providers.stop() };
}
