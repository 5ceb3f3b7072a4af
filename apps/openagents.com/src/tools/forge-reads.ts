// What tools read of a forge. Texts there are a stranger's: they are handed on as
// what they are, cut where they are long, and nothing in them is followed.

import type { Forge, Listing } from "@openagents/autopilot";
import type { JsonObject, JsonValue } from "@openagents/contracts";

/** Characters of one comment in a list; a page of whole ones would be megabytes. */
const COMMENT_CHARS_MAX = 8_000;

type Read = (forge: Forge, args: JsonObject) => Promise<JsonObject>;

const READS: Readonly<Record<string, Read>> = {
  "coding.v1/get_issue": async (forge, args) => ({ ...(await forge.getIssue(Number(args["issue_number"]))) }),

  "coding.v1/list_issues": async (forge, args) => ({
    issues: (await forge.listIssues(listingOf(args))).map((each) => ({ ...each })),
  }),

  "coding.v1/list_comments": async (forge, args) => {
    const comments = await forge.listComments(Number(args["issue_number"]), pageOf(args));
    return { comments: comments.map(({ body, ...rest }) => ({ ...rest, ...cut(body) })) };
  },

  "coding.v1/get_pull_request": async (forge, args) => ({
    ...(await forge.getPullRequest(Number(args["pull_number"]))),
  }),

  "coding.v1/list_pull_requests": async (forge, args) => ({
    pull_requests: (await forge.listPullRequests(listingOf(args))).map(({ body: _body, ...each }) => each),
  }),

  "coding.v1/find_pull_request": async (forge, args) => {
    const { head } = args;
    const found = await forge.findPullRequest(typeof head === "string" ? head : "");
    return found === undefined ? { found: false } : { found: true, ...found };
  },
};

/** What a tool that reads gives. Throws `ForgeError`. */
export async function readForge(forge: Forge, tool: string, args: JsonObject): Promise<JsonObject> {
  const read = READS[tool];
  if (read === undefined) throw new Error(`${tool} does not read a forge`);
  return read(forge, args);
}

function listingOf(args: JsonObject): Listing {
  const { state } = args;
  return {
    state: state === "closed" || state === "all" ? state : "open",
    page: pageOf(args),
  };
}

function pageOf({ page }: JsonObject): number {
  return asNumber(page) ?? 1;
}

function asNumber(value: JsonValue | undefined): number | undefined {
  return typeof value === "number" ? value : undefined;
}

function cut(body: string): JsonObject {
  if (body.length <= COMMENT_CHARS_MAX) return { body };
  return { body: body.slice(0, COMMENT_CHARS_MAX).toWellFormed(), truncated: true };
}
