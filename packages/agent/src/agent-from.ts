// The agent that a user names: `codex`, `acp:CMD`, or `script:FILE`.

import { join } from "node:path";
import { acpAgent } from "./acp/index.ts";
import { AgentError, type Agent } from "./agent.ts";
import { codexAgent } from "./codex/index.ts";
import { secretsOf } from "./redact/index.ts";
import { scriptedAgent } from "./scripted-agent.ts";

export type AgentFromOptions = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** The user's OpenAgents folder; codex is installed below it. */
  readonly dataDir: string;
  /** Folders outside of the workspace that codex's commands may read. */
  readonly readable?: readonly string[];
  /** Told while an agent is being installed. */
  readonly onProgress?: (detail: string) => void;
};

/** Throws `AgentError` `agent_unknown` naming the choices, or `acp_command_invalid`. Nothing is installed or started yet. */
export function agentFrom(spec: string, options: AgentFromOptions): Agent {
  const { env, readable, onProgress } = options;
  if (spec === "codex")
    return codexAgent({
      env,
      installFolder: join(options.dataDir, "agents"),
      ...(readable && { readable }),
      ...(onProgress && { onProgress }),
    });
  const [, kind, rest] = /^(acp|script):(.+)$/s.exec(spec) ?? [];
  if (kind === "acp" && rest !== undefined) return acpAgent({ command: rest, env });
  if (kind === "script" && rest !== undefined) return scriptedAgent(rest, secretsOf(env));
  throw new AgentError(
    "agent_unknown",
    `There is no agent ${spec}. Choose codex, acp:COMMAND, or script:FILE.`,
  );
}
