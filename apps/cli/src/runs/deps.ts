// What a run needs of this process, on a place.

import { AgentError, scriptedAgent, secretsOf } from "@openagents/agent";
import type { RunDeps } from "@openagents/autopilot";
import { dataDirAt } from "@openagents/stack";
import type { Context } from "../context.ts";
import { clientOf, type Place } from "../place/index.ts";

export function runDeps(context: Context, place: Place, dataDir: string, signal: AbortSignal): RunDeps {
  const folders = dataDirAt(dataDir);
  return {
    client: clientOf(context, place),
    runsDir: folders.runs,
    sessionsDir: folders.sessions,
    agentOf(spec) {
      if (spec.startsWith("script:")) return scriptedAgent(spec.slice(7), secretsOf(context.env));
      throw new AgentError(
        "agent_unknown",
        `There is no agent ${spec}. Choose codex, acp:COMMAND or script:FILE.`,
      );
    },
    env: context.env,
    signal,
  };
}
