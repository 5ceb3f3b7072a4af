// The tools: their names, what they do outside, and what their arguments are.

import { invalidField } from "@openagents/service";
import type { JsonObject, JsonValue } from "@openagents/contracts";

type Argument =
  | {
      readonly type: "string";
      readonly pattern: string;
      readonly maxLength: number;
      readonly optional?: true;
    }
  | {
      readonly type: "integer";
      readonly minimum: number;
      readonly maximum: number;
      readonly optional?: true;
    };

export type Tool = {
  readonly name: string;
  readonly description: string;
  /** Whether it changes something outside. */
  readonly writes: boolean;
  readonly runs: "forge_read" | "forge_write" | "device" | "lightning";
  /** The argument that tells what it may cost at most, in msats; absent for what costs nothing. */
  readonly costs?: string;
  readonly arguments: Readonly<Record<string, Argument>>;
};

const TEXT = "^[\\s\\S]+$";
const FORGE = {
  forge: { type: "string", pattern: "^(github|forgejo)$", maxLength: 20 },
  // No part is `.` or `..`, which would lead out of the forge's repositories.
  repository: {
    type: "string",
    pattern: "^(?!\\.{1,2}/)[A-Za-z0-9_.-]{1,100}/(?!\\.{1,2}$)[A-Za-z0-9_.-]{1,100}$",
    maxLength: 201,
  },
} as const satisfies Tool["arguments"];
const LISTING = {
  state: { type: "string", pattern: "^(open|closed|all)$", maxLength: 6, optional: true },
  page: { type: "integer", minimum: 1, maximum: 10_000, optional: true },
} as const satisfies Tool["arguments"];
const { page: PAGE } = LISTING;
const BRANCH = { type: "string", pattern: "^[A-Za-z0-9_][A-Za-z0-9._/-]*$", maxLength: 200 } as const;
const ISSUE = { issue_number: { type: "integer", minimum: 1, maximum: 9_999_999_999 } } as const;

export const TOOLS: readonly Tool[] = [
  {
    name: "coding.v1/get_issue",
    description: "An issue of a repository.",
    writes: false,
    runs: "forge_read",
    arguments: { ...FORGE, ...ISSUE },
  },
  {
    name: "coding.v1/list_issues",
    description: "Issues of a repository, 50 to a page; open ones, unless `state` says otherwise.",
    writes: false,
    runs: "forge_read",
    arguments: { ...FORGE, ...LISTING },
  },
  {
    name: "coding.v1/list_comments",
    description: "Comments on an issue or a pull request, oldest first, 50 to a page.",
    writes: false,
    runs: "forge_read",
    arguments: { ...FORGE, ...ISSUE, page: PAGE },
  },
  {
    name: "coding.v1/get_pull_request",
    description: "A pull request of a repository.",
    writes: false,
    runs: "forge_read",
    arguments: { ...FORGE, pull_number: ISSUE.issue_number },
  },
  {
    name: "coding.v1/list_pull_requests",
    description: "Pull requests of a repository, 50 to a page; open ones, unless `state` says otherwise.",
    writes: false,
    runs: "forge_read",
    arguments: { ...FORGE, ...LISTING },
  },
  {
    name: "coding.v1/find_pull_request",
    description: "The pull request that was made from a branch, of any state.",
    writes: false,
    runs: "forge_read",
    arguments: { ...FORGE, head: BRANCH },
  },
  {
    name: "coding.v1/create_pull_request",
    description:
      "A pull request from a branch that is there, into `base` or the default branch. One that stands is the answer: a branch has one.",
    writes: true,
    runs: "forge_write",
    arguments: {
      ...FORGE,
      head: BRANCH,
      base: { ...BRANCH, optional: true },
      title: { type: "string", pattern: "^[^\\r\\n]*\\S[^\\r\\n]*$", maxLength: 250 },
      body: { type: "string", pattern: "^[\\s\\S]*$", maxLength: 60_000, optional: true },
    },
  },
  {
    name: "coding.v1/add_issue_comment",
    description: "A comment on an issue or a pull request.",
    writes: true,
    runs: "forge_write",
    arguments: { ...FORGE, ...ISSUE, body: { type: "string", pattern: TEXT, maxLength: 20_000 } },
  },
  {
    name: "sandbox.v1/run",
    description: "A command in the sandbox of the autopilot's device.",
    writes: false,
    runs: "device",
    arguments: { command: { type: "string", pattern: TEXT, maxLength: 4_000 } },
  },
  {
    name: "lightning.v1/fetch",
    description: "An answer that is paid for over Lightning (L402).",
    writes: true,
    runs: "lightning",
    costs: "max_spend_msats",
    arguments: {
      url: { type: "string", pattern: "^https://[^\\s]+$", maxLength: 2_000 },
      max_spend_msats: { type: "integer", minimum: 1, maximum: Number.MAX_SAFE_INTEGER },
    },
  },
];

/** Throws 400 for a pack or an operation that there is not. */
export function toolNamed(pack: string, operation: string): Tool {
  const tool = TOOLS.find(({ name }) => name === `${pack}/${operation}`);
  if (tool !== undefined) return tool;
  const known = TOOLS.some(({ name }) => name.startsWith(`${pack}/`));
  throw known
    ? invalidField(
        "operation",
        "not_allowed",
        `${pack} has no ${operation}. GET /api/runtime/tools lists all.`,
      )
    : invalidField("tool_pack", "not_allowed", `There is no pack ${pack}. GET /api/runtime/tools lists all.`);
}

/** The arguments, once they keep the tool's schema. Throws 400 naming the first that does not. */
export function checkArguments(tool: Tool, given: JsonObject): JsonObject {
  for (const name of Object.keys(given))
    if (!Object.hasOwn(tool.arguments, name))
      throw invalidField(`arguments.${name}`, "unknown_field", `${tool.name} takes no ${name}.`);
  for (const [name, argument] of Object.entries(tool.arguments)) {
    const value = given[name];
    if (value === undefined && argument.optional === true) continue;
    if (!keeps(argument, value))
      throw invalidField(
        `arguments.${name}`,
        "wrong_format",
        `${tool.name} needs ${name}: ${JSON.stringify(schemaOf(argument))}.`,
      );
  }
  return given;
}

function keeps(argument: Argument, value: JsonValue | undefined): boolean {
  if (argument.type === "string")
    return (
      typeof value === "string" &&
      value.length <= argument.maxLength &&
      new RegExp(argument.pattern).test(value)
    );
  return (
    typeof value === "number" &&
    Number.isSafeInteger(value) &&
    value >= argument.minimum &&
    value <= argument.maximum
  );
}

function schemaOf({ optional: _optional, ...schema }: Argument): JsonObject {
  return schema;
}

/** JSON Schema (draft 2020-12) of a tool's arguments. */
export function argumentsSchema(tool: Tool): JsonObject {
  const names = Object.entries(tool.arguments);
  return {
    type: "object",
    additionalProperties: false,
    required: names.filter(([, { optional }]) => optional !== true).map(([name]) => name),
    properties: Object.fromEntries(names.map(([name, argument]) => [name, schemaOf(argument)])),
  };
}

/** The most that a run of it costs. */
export function costOf({ costs }: Tool, args: JsonObject): bigint {
  const most = costs === undefined ? 0 : args[costs];
  if (typeof most !== "number") throw new Error(`${String(costs)} is no amount`);
  return BigInt(most);
}
