// GitHub, GitHub Enterprise, Gitea and Forgejo by REST: the same resources under
// other roots. Sources: GitHub REST API (repos, issues, pulls), Gitea API v1.

import type { JsonObject, JsonValue } from "@openagents/receipts";
import { describeRepository, type RepositoryAddress } from "./address.ts";
import { ForgeError } from "./forge-error.ts";
import type { Comment, Forge, ForgeKind, PullRequest } from "./forge.ts";
import { objectOf, openRest, type Rest, type RestSettings } from "./rest.ts";

export type ConnectSettings = Omit<RestSettings, "apiUrl">;

/** Find out what the host is, and open the repository. Throws `ForgeError`. */
export async function connectForge(address: RepositoryAddress, settings: ConnectSettings): Promise<Forge> {
  const { kind, apiUrl } = await findApi(address.origin, settings);
  return forgeOf(kind, address, openRest({ ...settings, apiUrl }));
}

async function findApi(
  origin: string,
  settings: ConnectSettings,
): Promise<{ readonly kind: ForgeKind; readonly apiUrl: string }> {
  if (origin === "https://github.com") return { kind: "github", apiUrl: "https://api.github.com" };
  // Asked without the token: it is a stranger until it has answered.
  const gitea = openRest({ ...settings, token: undefined, apiUrl: `${origin}/api/v1` });
  const version = await gitea.find({ method: "GET", path: "/version" }).catch((cause: unknown) => {
    if (cause instanceof ForgeError && cause.status !== undefined) return undefined;
    throw cause;
  });
  const isGitea = version !== undefined && typeof objectOf(version)["version"] === "string";
  return isGitea
    ? { kind: "gitea", apiUrl: `${origin}/api/v1` }
    : { kind: "github", apiUrl: `${origin}/api/v3` };
}

/** Comments and pull requests that are looked through at most, in pages. */
const PAGES_MAX = 50;
const PAGE_ITEMS = 50;

function forgeOf(kind: ForgeKind, address: RepositoryAddress, rest: Rest): Forge {
  const root = `/repos/${address.owner}/${address.name}`;

  async function list(path: string, query: string, page: number): Promise<JsonObject[]> {
    const items = await rest.request({
      method: "GET",
      path: `${root}${path}?${query}&page=${page}&per_page=${PAGE_ITEMS}&limit=${PAGE_ITEMS}`,
    });
    if (!Array.isArray(items)) throw invalid(address, path);
    return items.map(objectOf);
  }

  /** The first item that `pick` takes. */
  async function search<T>(path: string, query: string, pick: (item: JsonObject) => T | undefined) {
    for (let page = 1; page <= PAGES_MAX; page += 1) {
      const items = await list(path, query, page);
      for (const item of items) {
        const picked = pick(item);
        if (picked !== undefined) return picked;
      }
      if (items.length === 0) return undefined;
    }
    throw new ForgeError(
      "forge_search_too_long",
      `${describeRepository(address)} has more under ${path} than is looked through.`,
      "rejected",
    );
  }

  const pullRequestOf = (value: JsonValue): PullRequest => {
    const found = objectOf(value);
    const { number, html_url: url } = found;
    if (typeof number !== "number" || typeof url !== "string") throw invalid(address, "/pulls");
    return {
      number,
      url,
      state: stateOf(found),
      title: textIn(found["title"]),
      body: textIn(found["body"]),
      head: textIn(objectOf(found["head"] ?? {})["ref"]),
      base: textIn(objectOf(found["base"] ?? {})["ref"]),
      // GitHub's lists tell the time alone, Gitea tells both.
      merged: found["merged"] === true || typeof found["merged_at"] === "string",
    };
  };
  const commentOf = (value: JsonValue): Comment => {
    const { id, html_url: url } = objectOf(value);
    if (typeof id !== "number" || typeof url !== "string") throw invalid(address, "/comments");
    return { id, url };
  };
  const exists = async (path: string) =>
    (await rest.find({ method: "GET", path: `${root}${path}` })) !== undefined;

  return {
    kind,
    address,
    async getRepository() {
      const found = objectOf(await rest.request({ method: "GET", path: root }));
      const { default_branch: defaultBranch, clone_url: cloneUrl, permissions } = found;
      if (typeof defaultBranch !== "string" || typeof cloneUrl !== "string") throw invalid(address, "");
      const { push } = objectOf(permissions ?? {});
      return { defaultBranch, cloneUrl, mayPush: typeof push === "boolean" ? push : undefined };
    },
    async getIssue(number) {
      const found = objectOf(await rest.request({ method: "GET", path: `${root}/issues/${number}` }));
      const { title, body, html_url: url } = found;
      if (typeof title !== "string" || typeof url !== "string") throw invalid(address, "/issues");
      if (found["pull_request"] !== undefined && found["pull_request"] !== null) {
        throw new ForgeError("issue_is_pull_request", `${url} is a pull request, not an issue.`, "rejected");
      }
      return { number, title, body: typeof body === "string" ? body : "", url };
    },
    async listIssues({ state, page }) {
      const items = await list("/issues", `state=${state}&type=issues`, page);
      return items
        .filter((item) => (item["pull_request"] ?? null) === null)
        .map((item) => {
          const { number, html_url: url } = item;
          if (typeof number !== "number" || typeof url !== "string") throw invalid(address, "/issues");
          return { number, url, title: textIn(item["title"]), state: stateOf(item) };
        });
    },
    listPullRequests: async ({ state, page }) =>
      (await list("/pulls", `state=${state}`, page)).map(pullRequestOf),
    getPullRequest: async (number) =>
      pullRequestOf(await rest.request({ method: "GET", path: `${root}/pulls/${number}` })),
    listComments: async (issueNumber, page) =>
      (await list(`/issues/${issueNumber}/comments`, "", page)).map((item) => ({
        ...commentOf(item),
        author: textIn(objectOf(item["user"] ?? {})["login"]),
        body: textIn(item["body"]),
      })),
    // The head of a branch or a commit that none has any more: either way the forge has it.
    hasCommit: (sha) => exists(`/git/commits/${sha}`),
    hasBranch: (name) => exists(`/branches/${encodeURIComponent(name)}`),
    findPullRequest: (head, take = () => true) =>
      // GitHub narrows by `head`, Gitea lists; both are compared here.
      search("/pulls", `state=all&head=${encodeURIComponent(`${address.owner}:${head}`)}`, (item) => {
        const from = objectOf(item["head"] ?? {});
        const repository = objectOf(from["repo"] ?? {})["full_name"];
        const ours = `${address.owner}/${address.name}`.toLowerCase();
        const same = typeof repository === "string" && repository.toLowerCase() === ours;
        if (from["ref"] !== head || !same) return undefined;
        const found = pullRequestOf(item);
        return take(found) ? found : undefined;
      }),
    createPullRequest: async (draft) =>
      pullRequestOf(await rest.request({ method: "POST", path: `${root}/pulls`, body: draft })),
    updatePullRequest: async (number, { title, body }) => {
      await rest.request({ method: "PATCH", path: `${root}/pulls/${number}`, body: { title, body } });
    },
    findComment: (issueNumber, marker) =>
      search(`/issues/${issueNumber}/comments`, "", (item) =>
        typeof item["body"] === "string" && item["body"].includes(marker) ? commentOf(item) : undefined,
      ),
    createComment: async (issueNumber, body) =>
      commentOf(
        await rest.request({
          method: "POST",
          path: `${root}/issues/${issueNumber}/comments`,
          body: { body },
        }),
      ),
    updateComment: async (id, body) => {
      await rest.request({ method: "PATCH", path: `${root}/issues/comments/${id}`, body: { body } });
    },
  };
}

function stateOf({ state }: JsonObject): "open" | "closed" {
  return state === "open" ? "open" : "closed";
}

/** A forge says null for a text that is not there. */
function textIn(value: JsonValue | undefined): string {
  return typeof value === "string" ? value : "";
}

function invalid(address: RepositoryAddress, path: string): ForgeError {
  return new ForgeError(
    "forge_answer_invalid",
    `${describeRepository(address)}${path} was answered in a form that is not known.`,
    "rejected",
  );
}
