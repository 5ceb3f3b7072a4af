// What tools write on a forge: how each is sent, and how it is found again.
//
// TOOL-4  What was written carries a mark that only its own request knows, so that
//         nobody else's is taken for it, and none is written twice.
// TOOL-5  A branch has one pull request into another. One that is open, or that a
//         person closed unmerged, is the answer, and none is opened beside it.
// Held by tests/tools.pg.test.ts.

import { ForgeError, type Forge, type PullRequest } from "@openagents/autopilot";
import type { JsonObject, JsonValue } from "@openagents/contracts";

export type ForgeWrite = {
  /** Of its intents. */
  readonly kind: string;
  /** What came of it. Throws `ForgeError`; with failure `unknown` it may have been done. */
  send(forge: Forge, args: JsonObject, mark: string): Promise<JsonObject>;
  /** What came of it, where the forge has it. */
  find(forge: Forge, args: JsonObject, mark: string): Promise<JsonObject | undefined>;
};

const COMMENT: ForgeWrite = {
  kind: "forge.comment",
  async send(forge, { issue_number: issue, body }, mark) {
    const { url } = await forge.createComment(Number(issue), marked(body, mark));
    return { url };
  },
  async find(forge, { issue_number: issue }, mark) {
    const found = await forge.findComment(Number(issue), mark);
    return found === undefined ? undefined : { url: found.url };
  },
};

const PULL_REQUEST: ForgeWrite = {
  kind: "forge.pull_request",
  async send(forge, args, mark) {
    const base = textOf(args["base"]) || (await forge.getRepository()).defaultBranch;
    const there = await standing(forge, args, base, mark);
    if (there !== undefined) return there;
    const draft = {
      title: textOf(args["title"]),
      body: marked(args["body"], mark),
      head: textOf(args["head"]),
      base,
    };
    try {
      return resultOf(await forge.createPullRequest(draft), true);
    } catch (cause) {
      // Another request was quicker: forges refuse a second one that is open.
      const isRefused = cause instanceof ForgeError && cause.failure === "rejected";
      const other = isRefused ? await standing(forge, args, base, mark) : undefined;
      if (other === undefined) throw cause;
      return other;
    }
  },
  async find(forge, args, mark) {
    // Only its own: whether another stands in the way was settled before it was sent.
    const found = await forge.findPullRequest(textOf(args["head"]), ({ body }) => body.includes(mark));
    return found === undefined ? undefined : resultOf(found, true);
  },
};

/** By the tool that it is of. */
export const FORGE_WRITES: ReadonlyMap<string, ForgeWrite> = new Map([
  ["coding.v1/add_issue_comment", COMMENT],
  ["coding.v1/create_pull_request", PULL_REQUEST],
]);

async function standing(
  forge: Forge,
  args: JsonObject,
  base: string,
  mark: string,
): Promise<JsonObject | undefined> {
  const found = await forge.findPullRequest(
    textOf(args["head"]),
    (each) => each.base === base && !each.merged,
  );
  return found === undefined ? undefined : resultOf(found, found.body.includes(mark));
}

function resultOf({ number, url, state }: PullRequest, created: boolean): JsonObject {
  return { number, url, state, created };
}

/** Without comments of its own, by which a text could pass for another's, or for a run's metadata. */
function marked(body: JsonValue | undefined, mark: string): string {
  return `${textOf(body).replaceAll("<!--", "<\u200B!--")}\n\n${mark}`;
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}
