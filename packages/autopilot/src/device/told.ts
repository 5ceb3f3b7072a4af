// What an agent does, as a turn tells it. Pure.

import type { AgentEvent } from "@openagents/agent";
import type { JsonObject } from "@openagents/contracts";
import type { TurnTold } from "./outbox.ts";

/** `n`: the number of the event in the turn. Undefined for what nobody reads. */
export function toldOf(event: AgentEvent, n: number): TurnTold | undefined {
  const itemId = `e${n}`;
  if (event.type === "message")
    return { eventType: "worker.turn_delta", itemId, text: event.text, payload: {} };
  const tool = toolOf(event);
  return tool === undefined ? undefined : { eventType: "worker.turn_tool", itemId, payload: tool };
}

function toolOf(event: Exclude<AgentEvent, { type: "message" }>): JsonObject | undefined {
  switch (event.type) {
    case "tool_call":
      return { tool: event.tool, summary: event.summary };
    case "command":
      return {
        tool: "command",
        summary: event.command,
        output: event.output,
        ...(event.exitCode === undefined ? {} : { exit_code: event.exitCode }),
      };
    case "file_change":
      return { tool: "file_change", summary: `${event.change} ${event.path}` };
    case "approval":
      return { tool: "approval", summary: event.what, decision: event.decision };
    case "usage":
      return undefined;
  }
}

/** Whether two events say the same, whatever their numbers. */
export function saysTheSame(one: TurnTold, other: TurnTold): boolean {
  const said = ({ eventType, text, payload }: TurnTold) => JSON.stringify([eventType, text, payload]);
  return said(one) === said(other);
}
