// The hash of a skill's and of a tool's content, computed from what is shown and
// not taken over: RFC 8785 and SHA-256, over what the contract names. Pure.

import type { SkillSpec, ToolSpec } from "@openagents/contracts";
import { canonicalize, sha256Hex } from "@openagents/receipts";

export function skillHash({ skillId, version, description, instructions, tools }: SkillSpec): string {
  const refs = tools.map((tool) => ({ tool_id: tool.toolId, version: tool.version }));
  return sha256Hex(canonicalize({ skill_id: skillId, version, description, instructions, tools: refs }));
}

export function toolHash({ toolId, version, toolPack, description, inputSchema }: ToolSpec): string {
  const content = { tool_id: toolId, version, tool_pack: toolPack, description, input_schema: inputSchema };
  return sha256Hex(canonicalize(content));
}
