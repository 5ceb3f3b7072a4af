import type { JsonObject, ToolSpecRef } from "@openagents/contracts";
import { statement, type Queryable, type Tx, type Write } from "@openagents/postgres";
import { canonicalize } from "@openagents/receipts";
import { toolRefs, type SkillSpec, type ToolSpec } from "./skill.ts";

type ToolRow = {
  org: string;
  tool_id: string;
  version: number;
  tool_pack: string;
  description: string;
  input_schema: string;
  content_sha256: string;
  registered_by: string;
  registered_at_ms: bigint;
};

const TOOL_COLUMNS = `org, tool_id, version, tool_pack, description, input_schema, content_sha256, registered_by,
  registered_at_ms`;

function toolOf(row: ToolRow): ToolSpec {
  return {
    org: row.org,
    toolId: row.tool_id,
    version: row.version,
    toolPack: row.tool_pack,
    description: row.description,
    inputSchema: JSON.parse(row.input_schema) as JsonObject,
    contentSha256: row.content_sha256,
    registeredBy: row.registered_by,
    registeredAtMs: Number(row.registered_at_ms),
  };
}

// A version that is not there yet has no row to lock.
const LOCK_NAME = statement(
  "skills.lock_name",
  "SELECT pg_advisory_xact_lock(hashtextextended($1, 48))::text AS locked",
);

const FIND_TOOL = statement(
  "tool_specs.find",
  `SELECT ${TOOL_COLUMNS} FROM control.tool_specs WHERE org = $1 AND tool_id = $2 AND version = $3`,
);

/** A version of a tool, if it is there; until the transaction's end nobody else registers it. */
export async function lockTool(
  tx: Tx,
  org: string,
  toolId: string,
  version: number,
): Promise<ToolSpec | undefined> {
  await tx.query(LOCK_NAME, [`tool ${org} ${toolId} ${version}`]);
  const [row] = await tx.query<ToolRow>(FIND_TOOL, [org, toolId, version]);
  return row === undefined ? undefined : toolOf(row);
}

const LIST_TOOLS = statement(
  "tool_specs.list",
  `SELECT ${TOOL_COLUMNS} FROM control.tool_specs
    WHERE org = $1 AND (tool_id, version) > ($2, $3) ORDER BY tool_id, version LIMIT $4`,
);

export type VersionKey = { readonly id: string; readonly version: number };

/** By name and version, from behind a key. */
export async function listTools(
  q: Queryable,
  org: string,
  after: VersionKey,
  limit: number,
): Promise<ToolSpec[]> {
  return (await q.query<ToolRow>(LIST_TOOLS, [org, after.id, after.version, limit])).map(toolOf);
}

const FIND_TOOLS = statement(
  "tool_specs.find_all",
  `SELECT ${TOOL_COLUMNS} FROM control.tool_specs
    WHERE org = $1 AND (tool_id, version) IN (SELECT * FROM unnest($2::text[], $3::integer[]))
    ORDER BY tool_id, version`,
);

/** Those of the named that are there. */
export async function findTools(
  q: Queryable,
  org: string,
  refs: readonly ToolSpecRef[],
): Promise<ToolSpec[]> {
  const values = [org, refs.map(({ toolId }) => toolId), refs.map(({ version }) => version)];
  return (await q.query<ToolRow>(FIND_TOOLS, values)).map(toolOf);
}

export function insertTool(tool: ToolSpec): Write {
  return {
    name: "tool_specs.insert",
    text: `INSERT INTO control.tool_specs (${TOOL_COLUMNS}) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
    values: [
      tool.org,
      tool.toolId,
      tool.version,
      tool.toolPack,
      tool.description,
      canonicalize(tool.inputSchema),
      tool.contentSha256,
      tool.registeredBy,
      tool.registeredAtMs,
    ],
  };
}

type SkillRow = {
  org: string;
  skill_id: string;
  version: number;
  description: string;
  instructions: string;
  tools: string;
  content_sha256: string;
  written_by: string;
  written_at_ms: bigint;
  published_at_ms: bigint | null;
  receipt_id: string | null;
};

const SKILL_COLUMNS = `org, skill_id, version, description, instructions, tools, content_sha256, written_by,
  written_at_ms, published_at_ms, receipt_id`;

function skillOf(row: SkillRow): SkillSpec {
  const tools = JSON.parse(row.tools) as { readonly tool_id: string; readonly version: number }[];
  return {
    org: row.org,
    skillId: row.skill_id,
    version: row.version,
    description: row.description,
    instructions: row.instructions,
    tools: tools.map(({ tool_id, version }) => ({ toolId: tool_id, version })),
    contentSha256: row.content_sha256,
    writtenBy: row.written_by,
    writtenAtMs: Number(row.written_at_ms),
    published:
      row.published_at_ms === null || row.receipt_id === null
        ? undefined
        : { atMs: Number(row.published_at_ms), receiptId: row.receipt_id },
  };
}

const FIND_SKILL = statement(
  "skill_specs.find",
  `SELECT ${SKILL_COLUMNS} FROM control.skill_specs WHERE org = $1 AND skill_id = $2 AND version = $3`,
);

export async function findSkill(
  q: Queryable,
  org: string,
  skillId: string,
  version: number,
): Promise<SkillSpec | undefined> {
  const [row] = await q.query<SkillRow>(FIND_SKILL, [org, skillId, version]);
  return row === undefined ? undefined : skillOf(row);
}

/** As `findSkill`; until the transaction's end nobody else writes or publishes it. */
export async function lockSkill(
  tx: Tx,
  org: string,
  skillId: string,
  version: number,
): Promise<SkillSpec | undefined> {
  await tx.query(LOCK_NAME, [`skill ${org} ${skillId} ${version}`]);
  return findSkill(tx, org, skillId, version);
}

const LIST_SKILLS = statement(
  "skill_specs.list",
  `SELECT ${SKILL_COLUMNS} FROM control.skill_specs
    WHERE org = $1 AND (skill_id, version) > ($2, $3) ORDER BY skill_id, version LIMIT $4`,
);

/** By name and version, from behind a key. */
export async function listSkills(
  q: Queryable,
  org: string,
  after: VersionKey,
  limit: number,
): Promise<SkillSpec[]> {
  return (await q.query<SkillRow>(LIST_SKILLS, [org, after.id, after.version, limit])).map(skillOf);
}

/** A draft, in place of the draft that was there. */
export function upsertSkill(skill: SkillSpec): Write {
  return {
    name: "skill_specs.upsert",
    text: `INSERT INTO control.skill_specs (org, skill_id, version, description, instructions, tools, content_sha256,
             written_by, written_at_ms)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
           ON CONFLICT (org, skill_id, version) DO UPDATE SET description = excluded.description,
             instructions = excluded.instructions, tools = excluded.tools,
             content_sha256 = excluded.content_sha256, written_by = excluded.written_by,
             written_at_ms = excluded.written_at_ms`,
    values: [
      skill.org,
      skill.skillId,
      skill.version,
      skill.description,
      skill.instructions,
      canonicalize(toolRefs(skill.tools)),
      skill.contentSha256,
      skill.writtenBy,
      skill.writtenAtMs,
    ],
  };
}

export function markSkillPublished(
  { org, skillId, version }: SkillSpec,
  nowMs: number,
  receiptId: string,
): Write {
  return {
    name: "skill_specs.mark_published",
    text: `UPDATE control.skill_specs SET published_at_ms = $4, receipt_id = $5
            WHERE org = $1 AND skill_id = $2 AND version = $3`,
    values: [org, skillId, version, nowMs, receiptId],
  };
}
