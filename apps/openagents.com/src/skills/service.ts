// The commands of skills.

import type { Authority, Refusal } from "@openagents/authority";
import type {
  CommandCall,
  CommandReply,
  PublishSkillRequest,
  PublishSkillResponse,
  PutSkillSpecRequest,
  PutSkillSpecResponse,
  RegisterToolSpecRequest,
  RegisterToolSpecResponse,
} from "@openagents/contracts";
import type { Database } from "@openagents/postgres";
import { notFound } from "@openagents/service";
import {
  skillContentSha256,
  skillSpecMessage,
  toolContentSha256,
  toolSpecMessage,
  type SkillSpec,
  type ToolSpec,
} from "./skill.ts";
import { findTools, insertTool, lockSkill, lockTool, markSkillPublished, upsertSkill } from "./store.ts";

export type SkillDeps = { readonly db: Database; readonly authority: Authority };

/** Refused: `version_taken`. */
export function registerToolSpec(
  { authority }: SkillDeps,
  call: CommandCall,
  request: RegisterToolSpecRequest,
): Promise<CommandReply> {
  return authority.execute<RegisterToolSpecResponse>(call, request, async (command) => {
    const { org, id } = call.principal;
    const contentSha256 = toolContentSha256(request);
    const earlier = await lockTool(command.tx, org, request.toolId, request.version);
    if (earlier?.contentSha256 === contentSha256)
      return { kind: "answer", output: { toolSpec: toolSpecMessage(earlier) }, writes: [] };
    if (earlier !== undefined) {
      const detail = `${request.toolId} has a version ${request.version} already, with another content. Register the next version.`;
      return { kind: "refused", rule: "state", reason: "version_taken", detail };
    }
    const tool: ToolSpec = {
      ...request,
      org,
      contentSha256,
      registeredBy: id,
      registeredAtMs: command.nowMs(),
    };
    return { kind: "answer", output: { toolSpec: toolSpecMessage(tool) }, writes: [insertTool(tool)] };
  });
}

/** Refused: `skill_published`. */
export function putSkillSpec(
  { authority }: SkillDeps,
  call: CommandCall,
  request: PutSkillSpecRequest,
): Promise<CommandReply> {
  return authority.execute<PutSkillSpecResponse>(call, request, async (command) => {
    const { org, id } = call.principal;
    const earlier = await lockSkill(command.tx, org, request.skillId, request.version);
    if (earlier?.published !== undefined) return published(earlier);
    const skill: SkillSpec = {
      ...request,
      org,
      contentSha256: skillContentSha256(request),
      writtenBy: id,
      writtenAtMs: command.nowMs(),
      published: undefined,
    };
    return { kind: "answer", output: { skillSpec: skillSpecMessage(skill) }, writes: [upsertSkill(skill)] };
  });
}

/** Refused, in this order: `skill_published`, `tool_spec_unknown`. */
export function publishSkill(
  { authority }: SkillDeps,
  call: CommandCall,
  { skillId, version }: PublishSkillRequest,
): Promise<CommandReply> {
  return authority.execute<PublishSkillResponse>(call, { skillId, version }, async (command) => {
    const { org } = call.principal;
    const skill = await lockSkill(command.tx, org, skillId, version);
    if (skill === undefined) throw notFound("skill", `${skillId} ${version}`);
    if (skill.published !== undefined) return published(skill);
    const tools = await findTools(command.tx, org, skill.tools);
    const missing = skill.tools.find(
      (ref) => !tools.some((tool) => tool.toolId === ref.toolId && tool.version === ref.version),
    );
    if (missing !== undefined) {
      const detail = `There is no version ${missing.version} of the tool ${missing.toolId}. Register it first.`;
      return { kind: "refused", rule: "state", reason: "tool_spec_unknown", detail };
    }
    const nowMs = command.nowMs();
    const facts = {
      skill_id: skillId,
      version,
      content_sha256: skill.contentSha256,
      // Of the tools, too: what the skill does is what they do.
      tool_content_sha256s: tools.map((tool) => tool.contentSha256),
    };
    const receipt = command.seal("openagents.control.skill_published.v1", skillId, facts, nowMs);
    const after = { ...skill, published: { atMs: nowMs, receiptId: receipt.receipt_id } };
    return {
      kind: "answer",
      output: { skillSpec: skillSpecMessage(after) },
      writes: [markSkillPublished(skill, nowMs, receipt.receipt_id)],
    };
  });
}

function published({ skillId, version }: SkillSpec): Refusal {
  const detail = `Version ${version} of ${skillId} is published and never changes. Write the next version.`;
  return { kind: "refused", rule: "state", reason: "skill_published", detail };
}
