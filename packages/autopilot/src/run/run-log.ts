// The run's own log as its executor writes it: each event once, in order,
// bounded, redacted. Keys come from the lease's epoch and a counter, so that a
// lost answer repeats nothing and no two executors share a key.

import type { AgentEvent } from "@openagents/agent";
import type { JsonObject } from "@openagents/contracts";
import type { RuntimeClients } from "../clients.ts";

const TEXT_CHARS_MAX = 4_000;

/** An agent that talks without end fills neither the log nor the budget of patience. */
const AGENT_EVENTS_MAX = 2_000;

export type RunLog = {
  append(eventType: string, payload: JsonObject, signal: AbortSignal): Promise<void>;
  appendAgentEvent(event: AgentEvent, attempt: number, signal: AbortSignal): Promise<void>;
};

export function openRunLog(
  runs: Pick<RuntimeClients["runs"], "appendRunEvent">,
  runId: string,
  executorEpoch: bigint,
): RunLog {
  let written = 0;
  let agentEvents = 0;
  const append = async (eventType: string, payload: JsonObject, signal: AbortSignal) => {
    written += 1;
    const idempotencyKey = `${runId}:${executorEpoch}:event:${written}`;
    await runs.appendRunEvent({ runId, eventType, payload, executorEpoch }, { idempotencyKey, signal });
  };
  return {
    append,
    async appendAgentEvent(event, attempt, signal) {
      agentEvents += 1;
      if (agentEvents > AGENT_EVENTS_MAX) return;
      if (agentEvents === AGENT_EVENTS_MAX)
        await append("agent.events_omitted", { after: AGENT_EVENTS_MAX }, signal);
      else await append(`agent.${event.type}`, { ...payloadOf(event), attempt }, signal);
    },
  };
}

/** The agent has redacted its own words already. */
function payloadOf(event: AgentEvent): JsonObject {
  switch (event.type) {
    case "message":
      return { text: bounded(event.text) };
    case "tool_call":
      return { tool: bounded(event.tool), summary: bounded(event.summary) };
    case "command":
      return {
        command: bounded(event.command),
        output: bounded(event.output),
        ...(event.exitCode === undefined ? {} : { exit_code: event.exitCode }),
      };
    case "file_change":
      return { path: bounded(event.path), change: event.change };
    case "approval":
      return { what: bounded(event.what), decision: event.decision };
    case "usage":
      return { input_tokens: event.inputTokens, output_tokens: event.outputTokens };
  }
}

/** Cut, and free of what JSON text cannot carry: NUL and half characters. */
export function bounded(text: string): string {
  const clean = text.replaceAll("\0", "\uFFFD").toWellFormed();
  return clean.length <= TEXT_CHARS_MAX ? clean : `${clean.slice(0, TEXT_CHARS_MAX).toWellFormed()}…`;
}
