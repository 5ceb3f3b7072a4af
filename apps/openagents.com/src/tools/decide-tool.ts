// Whether an autopilot may run a tool, by its stored policy. Pure.
//
// TOOL-1  What is denied is not run, whatever else is allowed.
// TOOL-2  No host is reached that the policy does not name.
// TOOL-3  What changes something outside waits for a person, unless the policy says otherwise.
// Held by decide-tool.test.ts.

import type { Autopilot } from "../autopilots/index.ts";
import type { Tool } from "./tool.ts";

/** In order of precedence. */
export type ToolRefusal = "autopilot_disabled" | "tool_denied" | "tool_not_allowed" | "host_not_allowed";

export type ToolDecision =
  | { readonly kind: "allowed"; readonly needsApproval: boolean }
  | { readonly kind: "refused"; readonly reason: ToolRefusal };

/** `host`: what the tool would reach; undefined for one that reaches none. */
export function decideTool(
  { status, policy }: Pick<Autopilot, "status" | "policy">,
  tool: Tool,
  host: string | undefined,
): ToolDecision {
  if (status !== "active") return { kind: "refused", reason: "autopilot_disabled" };
  if (names(policy.toolsDenied, tool.name)) return { kind: "refused", reason: "tool_denied" };
  if (policy.toolsAllowed.length > 0 && !names(policy.toolsAllowed, tool.name))
    return { kind: "refused", reason: "tool_not_allowed" };
  if (host !== undefined && !policy.hostsAllowed.includes(host))
    return { kind: "refused", reason: "host_not_allowed" };
  return { kind: "allowed", needsApproval: tool.writes && !policy.writesWithoutApproval };
}

/** A list names a tool, or the pack that it is in. */
function names(list: readonly string[], tool: string): boolean {
  const [pack = ""] = tool.split("/", 1);
  return list.includes(tool) || list.includes(pack);
}
