import { Skills, bind, type Binding } from "@openagents/contracts";
import { PAGE_DEFAULT, decodeCursor, notFound, pageOf } from "@openagents/service";
import { publishSkill, putSkillSpec, registerToolSpec, type SkillDeps } from "./service.ts";
import { skillSpecMessage, toolSpecMessage } from "./skill.ts";
import { findSkill, findTools, listSkills, listTools, type VersionKey } from "./store.ts";

export function skillRoutes(deps: SkillDeps): Binding {
  return bind(Skills, {
    registerToolSpec: (request, call) => registerToolSpec(deps, call, request),
    putSkillSpec: (request, call) => putSkillSpec(deps, call, request),
    publishSkill: (request, call) => publishSkill(deps, call, request),

    async listToolSpecs(request, call) {
      const limit = request.limit ?? PAGE_DEFAULT;
      const found = await listTools(deps.db, call.principal.org, afterOf(request.cursor), limit + 1);
      const { items, nextCursor } = pageOf(found, limit, (tool) => keyOf(tool.toolId, tool.version));
      return { toolSpecs: items.map(toolSpecMessage), nextCursor };
    },

    async listSkillSpecs(request, call) {
      const limit = request.limit ?? PAGE_DEFAULT;
      const found = await listSkills(deps.db, call.principal.org, afterOf(request.cursor), limit + 1);
      const { items, nextCursor } = pageOf(found, limit, (skill) => keyOf(skill.skillId, skill.version));
      return { skillSpecs: items.map(skillSpecMessage), nextCursor };
    },

    async getSkillRelease({ skillId, version }, call) {
      const { org } = call.principal;
      const skill = await findSkill(deps.db, org, skillId, version);
      if (skill?.published === undefined) throw notFound("skill_release", `${skillId} ${version}`);
      const tools = await findTools(deps.db, org, skill.tools);
      return { skillSpec: skillSpecMessage(skill), toolSpecs: tools.map(toolSpecMessage) };
    },
  });
}

function keyOf(id: string, version: number): string {
  return `${id} ${version}`;
}

const BEFORE_ALL: VersionKey = { id: "", version: 0 };

function afterOf(cursor: string | undefined): VersionKey {
  if (cursor === undefined) return BEFORE_ALL;
  const [id = "", version = ""] = decodeCursor(cursor, /^[a-z0-9][a-z0-9._-]{0,119} [1-9]\d{0,5}$/).split(
    " ",
  );
  return { id, version: Number(version) };
}
