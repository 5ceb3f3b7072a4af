// What a run needs of this process.

import { agentFrom } from "@openagents/agent";
import { forgeToken, type ClientSettings, type RunDeps } from "@openagents/autopilot";
import { dataDirAt } from "@openagents/stack";
import type { Context } from "../context.ts";

/** `client` is of the runtime that has the run: this computer's, or another. */
export function runDeps(
  context: Context,
  client: ClientSettings,
  dataDir: string,
  signal: AbortSignal,
): RunDeps {
  const folders = dataDirAt(dataDir);
  return {
    client,
    runsDir: folders.runs,
    sessionsDir: folders.sessions,
    agentOf: (spec) => agentFrom(spec, { env: context.env, dataDir: folders.root }),
    env: context.env,
    forgeToken: (forge) => forgeToken(context.env, forge),
    signal,
  };
}
