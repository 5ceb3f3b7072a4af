// What an organisation teaches its agents.
//
// SKL-1  A published version never changes, and its hash says what it is.
// SKL-2  A tool's version never changes once it is registered.
// SKL-3  Names are an organisation's own: none is shadowed by another's.
// SKL-4  A skill is published only with tools that are there.
// Held by tests/skills.pg.test.ts; SKL-1 by a trigger of the database, too.

import type {
  JsonObject,
  SkillSpec as SkillSpecMessage,
  ToolSpec as ToolSpecMessage,
  ToolSpecRef,
} from "@openagents/contracts";
import { canonicalize, sha256Hex } from "@openagents/receipts";

export type ToolSpec = {
  readonly org: string;
  readonly toolId: string;
  readonly version: number;
  readonly toolPack: string;
  readonly description: string;
  readonly inputSchema: JsonObject;
  readonly contentSha256: string;
  readonly registeredBy: string;
  readonly registeredAtMs: number;
};

export type SkillSpec = {
  readonly org: string;
  readonly skillId: string;
  readonly version: number;
  readonly description: string;
  readonly instructions: string;
  readonly tools: readonly ToolSpecRef[];
  readonly contentSha256: string;
  readonly writtenBy: string;
  readonly writtenAtMs: number;
  readonly published: { readonly atMs: number; readonly receiptId: string } | undefined;
};

type ToolContent = Pick<ToolSpec, "toolId" | "version" | "toolPack" | "description" | "inputSchema">;

export function toolContentSha256(tool: ToolContent): string {
  return sha256Hex(
    canonicalize({
      tool_id: tool.toolId,
      version: tool.version,
      tool_pack: tool.toolPack,
      description: tool.description,
      input_schema: tool.inputSchema,
    }),
  );
}

type SkillContent = Pick<SkillSpec, "skillId" | "version" | "description" | "instructions" | "tools">;

export function skillContentSha256(skill: SkillContent): string {
  return sha256Hex(
    canonicalize({
      skill_id: skill.skillId,
      version: skill.version,
      description: skill.description,
      instructions: skill.instructions,
      tools: toolRefs(skill.tools),
    }),
  );
}

/** As they are written in JSON. */
export function toolRefs(tools: readonly ToolSpecRef[]): { tool_id: string; version: number }[] {
  return tools.map(({ toolId, version }) => ({ tool_id: toolId, version }));
}

export function toolSpecMessage({ org: _org, registeredAtMs, ...tool }: ToolSpec): ToolSpecMessage {
  return { ...tool, registeredAt: registeredAtMs };
}

export function skillSpecMessage({
  org: _org,
  writtenAtMs,
  published,
  ...skill
}: SkillSpec): SkillSpecMessage {
  return {
    ...skill,
    state: published === undefined ? "draft" : "published",
    writtenAt: writtenAtMs,
    publishedAt: published?.atMs,
    receiptId: published?.receiptId,
  };
}
