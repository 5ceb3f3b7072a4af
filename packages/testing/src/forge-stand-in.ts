// A stand-in for a forge, for tests: git's own smart HTTP server over real bare
// repositories, and the part of the REST API of GitHub (below /api/v3) or of
// Gitea and Forgejo (below /api/v1) that publishing a run uses. It refuses what
// they refuse: a wrong token, a second open pull request from one branch, a branch
// that is not there. It holds no rights beyond one token, and is nobody's server.

import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdir } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { createGunzip } from "node:zlib";

export type StandInIssue = { readonly title: string; readonly body: string };

export type StandInPullRequest = {
  readonly number: number;
  title: string;
  body: string;
  readonly head: string;
  readonly base: string;
  state: "open" | "closed";
  merged: boolean;
};

export type StandInComment = { readonly id: number; readonly issue: number; body: string };

/** What becomes of one request: `lost` does it and drops the connection, `refused` drops it undone. */
export type StandInFault = "lost" | "refused";

export type ForgeStandIn = {
  readonly url: string;
  readonly token: string;
  readonly owner: string;
  readonly name: string;
  /** The bare repository. */
  readonly gitDir: string;
  readonly pullRequests: readonly StandInPullRequest[];
  readonly comments: readonly StandInComment[];
  /** `METHOD /path` of each request to the API or to git, in order. */
  readonly requests: readonly string[];
  addIssue(issue: StandInIssue): number;
  /** Asked about each request that changes something. */
  fault: ((request: string) => StandInFault | undefined) | undefined;
  close(): Promise<void>;
};

export type StandInOptions = {
  /** For its bare repository; made when absent. */
  readonly folder: string;
  readonly kind: "github" | "gitea";
};

const OWNER = "stand-in";
const NAME = "broken";
const TOKEN = "stand-in-token";

/** Serve one empty repository on a free port of this machine; its default branch is `main`. */
export async function startForgeStandIn({ folder, kind }: StandInOptions): Promise<ForgeStandIn> {
  const gitDir = join(folder, OWNER, `${NAME}.git`);
  await mkdir(gitDir, { recursive: true });
  await git(["init", "--quiet", "--bare", "--initial-branch=main", gitDir]);
  await git(["-C", gitDir, "config", "http.receivepack", "true"]);
  const root = kind === "github" ? "/api/v3" : "/api/v1";
  const issues: StandInIssue[] = [];
  const pullRequests: StandInPullRequest[] = [];
  const comments: StandInComment[] = [];
  const requests: string[] = [];
  let numbers = 0;
  let url = "";

  const server = createServer((request, response) => {
    serve(request, response).catch((cause: unknown) => {
      response.destroy(cause instanceof Error ? cause : undefined);
    });
  });

  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const asked = new URL(request.url ?? "/", url);
    const line = `${request.method ?? "GET"} ${asked.pathname}`;
    requests.push(line);
    const fault = request.method === "GET" ? undefined : standIn.fault?.(line);
    if (fault === "refused") {
      request.socket.destroy();
      return;
    }
    if (asked.pathname.startsWith(`/${OWNER}/${NAME}.git/`)) {
      await serveGit(request, response, asked, folder);
      return;
    }
    const answer = await answerApi(request, asked);
    if (fault === "lost") {
      request.socket.destroy();
      return;
    }
    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(JSON.stringify(answer.body));
  }

  type Answer = { readonly status: number; readonly body: unknown };
  const notFound: Answer = { status: 404, body: { message: "Not Found" } };

  async function answerApi(request: IncomingMessage, asked: URL): Promise<Answer> {
    if (kind === "gitea" && asked.pathname === "/api/v1/version")
      return { status: 200, body: { version: "11.0.0" } };
    if (!asked.pathname.startsWith(`${root}/`)) return notFound;
    const given = request.headers.authorization;
    if (given !== undefined && given !== `token ${TOKEN}`)
      return { status: 401, body: { message: "Bad credentials" } };
    const path = asked.pathname.slice(root.length);
    const repository = `/repos/${OWNER}/${NAME}`;
    if (path !== repository && !path.startsWith(`${repository}/`)) return notFound;
    const below = path.slice(repository.length);
    if (request.method === "GET") return read(below, asked);
    if (given === undefined) return { status: 401, body: { message: "Requires authentication" } };
    return change(request.method ?? "", below, JSON.parse(await text(request)) as Record<string, string>);
  }

  async function read(below: string, asked: URL): Promise<Answer> {
    const page = Number(asked.searchParams.get("page") ?? "1");
    const perPage = Number(asked.searchParams.get(kind === "github" ? "per_page" : "limit") ?? "30");
    const paged = (items: readonly unknown[]) => items.slice((page - 1) * perPage, page * perPage);
    if (below === "") {
      const clone = `${url}/${OWNER}/${NAME}.git`;
      return { status: 200, body: { default_branch: "main", clone_url: clone, permissions: { push: true } } };
    }
    const states = asked.searchParams.get("state") ?? "open";
    const isAsked = (state: string) => states === "all" || states === state;
    if (below === "/issues") {
      // GitHub's list of issues holds pull requests too.
      const requested = kind === "github" ? pullRequests.filter(({ state }) => isAsked(state)) : [];
      const made = requested.map((each) => ({ ...pullRequestBody(each), pull_request: {} }));
      const open = isAsked("open") ? issues.map((each, at) => issueBody(at + 1, each)).toReversed() : [];
      return { status: 200, body: paged([...made, ...open]) };
    }
    const pull = /^\/pulls\/(\d+)$/.exec(below)?.[1];
    if (pull !== undefined) {
      const found = pullRequests.find((each) => each.number === Number(pull));
      return found === undefined ? notFound : { status: 200, body: pullRequestBody(found) };
    }
    const issue = /^\/issues\/(\d+)$/.exec(below)?.[1];
    if (issue !== undefined) {
      const found = issues[Number(issue) - 1];
      return found === undefined ? notFound : { status: 200, body: issueBody(Number(issue), found) };
    }
    const commented = /^\/issues\/(\d+)\/comments$/.exec(below)?.[1];
    if (commented !== undefined) {
      const found = comments.filter((comment) => comment.issue === Number(commented));
      return { status: 200, body: paged(found.map(commentBody)) };
    }
    const commit = /^\/git\/commits\/([0-9a-f]{40})$/.exec(below)?.[1];
    if (commit !== undefined) return (await has(commit)) ? { status: 200, body: { sha: commit } } : notFound;
    const branch = /^\/branches\/(.+)$/.exec(below)?.[1];
    if (branch !== undefined) {
      const name = decodeURIComponent(branch);
      return (await has(`refs/heads/${name}`)) ? { status: 200, body: { name } } : notFound;
    }
    if (below === "/pulls") {
      const head = asked.searchParams.get("head");
      const all = pullRequests.filter(
        (each) =>
          isAsked(each.state) && (kind === "gitea" || head === null || head === `${OWNER}:${each.head}`),
      );
      return { status: 200, body: paged(all.toReversed().map(pullRequestBody)) };
    }
    return notFound;
  }

  async function change(method: string, below: string, body: Record<string, string>): Promise<Answer> {
    if (method === "POST" && below === "/pulls") {
      const { title = "", body: words = "", head = "", base = "" } = body;
      if (!(await has(`refs/heads/${head}`)) || !(await has(`refs/heads/${base}`)))
        return { status: 422, body: { message: "Validation Failed" } };
      if (pullRequests.some((each) => each.head === head && each.base === base && each.state === "open"))
        return { status: kind === "github" ? 422 : 409, body: { message: "A pull request already exists" } };
      numbers += 1;
      const made: StandInPullRequest = {
        number: numbers,
        title,
        body: words,
        head,
        base,
        state: "open",
        merged: false,
      };
      pullRequests.push(made);
      return { status: 201, body: pullRequestBody(made) };
    }
    const patched = /^\/pulls\/(\d+)$/.exec(below)?.[1];
    if (method === "PATCH" && patched !== undefined) {
      const found = pullRequests.find((each) => each.number === Number(patched));
      if (found === undefined) return notFound;
      found.title = body["title"] ?? found.title;
      found.body = body["body"] ?? found.body;
      return { status: 200, body: pullRequestBody(found) };
    }
    const commented = /^\/issues\/(\d+)\/comments$/.exec(below)?.[1];
    if (method === "POST" && commented !== undefined) {
      const made = { id: comments.length + 1, issue: Number(commented), body: body["body"] ?? "" };
      comments.push(made);
      return { status: 201, body: commentBody(made) };
    }
    const edited = /^\/issues\/comments\/(\d+)$/.exec(below)?.[1];
    if (method === "PATCH" && edited !== undefined) {
      const found = comments.find((each) => each.id === Number(edited));
      if (found === undefined) return notFound;
      found.body = body["body"] ?? found.body;
      return { status: 200, body: commentBody(found) };
    }
    return notFound;
  }

  const has = (revision: string) =>
    git(["-C", gitDir, "cat-file", "-e", revision]).then(
      () => true,
      () => false,
    );
  const page = (kindOf: string, number: number) => `${url}/${OWNER}/${NAME}/${kindOf}/${number}`;
  const issueBody = (number: number, { title, body }: StandInIssue) => ({
    number,
    title,
    body,
    state: "open",
    html_url: page("issues", number),
  });
  const commentBody = ({ id, issue, body }: StandInComment) => ({
    id,
    body,
    user: { login: OWNER },
    html_url: `${page("issues", issue)}#comment-${id}`,
  });
  const pullRequestBody = ({ number, title, body, state, head, base, merged }: StandInPullRequest) => ({
    number,
    title,
    body,
    state,
    html_url: page("pulls", number),
    head: { ref: head, repo: { full_name: `${OWNER}/${NAME}` } },
    base: { ref: base },
    // As GitHub's lists and Gitea tell it.
    merged_at: merged ? "2026-01-01T00:00:00Z" : null,
  });

  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  const standIn: ForgeStandIn = {
    url,
    token: TOKEN,
    owner: OWNER,
    name: NAME,
    gitDir,
    pullRequests,
    comments,
    requests,
    addIssue(issue) {
      issues.push(issue);
      numbers = Math.max(numbers, issues.length);
      return issues.length;
    },
    fault: undefined,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, "close");
    },
  };
  return standIn;
}

/** CGI (RFC 3875) to git's own HTTP server. */
async function serveGit(
  request: IncomingMessage,
  response: ServerResponse,
  asked: URL,
  folder: string,
): Promise<void> {
  const expected = `Basic ${Buffer.from(`x-access-token:${TOKEN}`).toString("base64")}`;
  if (request.headers.authorization !== expected) {
    response.writeHead(401, { "www-authenticate": 'Basic realm="stand-in"' });
    response.end();
    return;
  }
  const child = spawn("git", ["http-backend"], {
    env: {
      PATH: process.env["PATH"],
      GIT_PROJECT_ROOT: folder,
      GIT_HTTP_EXPORT_ALL: "1",
      GIT_CONFIG_COUNT: "1",
      GIT_CONFIG_KEY_0: "safe.directory",
      GIT_CONFIG_VALUE_0: "*",
      PATH_INFO: asked.pathname,
      QUERY_STRING: asked.search.slice(1),
      REQUEST_METHOD: request.method,
      CONTENT_TYPE: request.headers["content-type"] ?? "",
      REMOTE_USER: "x-access-token",
      REMOTE_ADDR: "127.0.0.1",
      ...(request.headers["git-protocol"] === undefined
        ? {}
        : { GIT_PROTOCOL: String(request.headers["git-protocol"]) }),
    },
    stdio: ["pipe", "pipe", "ignore"],
  });
  const packed = request.headers["content-encoding"] === "gzip";
  (packed ? request.pipe(createGunzip()) : request).pipe(child.stdin);
  child.stdin.on("error", () => {});
  const chunks: Buffer[] = [];
  for await (const chunk of child.stdout as AsyncIterable<Buffer>) chunks.push(chunk);
  const output = Buffer.concat(chunks);
  const end = output.indexOf("\r\n\r\n");
  const headers = Object.fromEntries(
    output
      .subarray(0, end)
      .toString("latin1")
      .split("\r\n")
      .map((line) => line.split(/:\s*/, 2) as [string, string]),
  );
  const { Status: status = "200", ...others } = headers;
  response.writeHead(Number.parseInt(status, 10), others);
  response.end(output.subarray(end + 4));
}

async function git(args: readonly string[]): Promise<void> {
  const settings = ["-c", "safe.directory=*"];
  const child = spawn("git", [...settings, ...args], { stdio: "ignore" });
  const [code] = (await once(child, "close")) as [number | null];
  if (code !== 0) throw new Error(`git ${args.join(" ")} exited with ${String(code)}`);
}
