// What a run needs of this process, on a place.

import { agentFrom } from "@openagents/agent";
import { forgeToken, type RunDeps } from "@openagents/autopilot";
import { dataDirAt } from "@openagents/stack";
import type { Context } from "../context.ts";
import { clientOf, type Place } from "../place/index.ts";

export function runDeps(context: Context, place: Place, dataDir: string, signal: AbortSignal): RunDeps {
  const folders = dataDirAt(dataDir);
  return {
    client: clientOf(context, place),
    runsDir: folders.runs,
    sessionsDir: folders.sessions,
    agentOf: (spec) => agentFrom(spec, { env: context.env, dataDir: folders.root }),
    env: context.env,
    forgeToken: (forge) => forgeToken(context.env, forge),
    signal,
  };
}
