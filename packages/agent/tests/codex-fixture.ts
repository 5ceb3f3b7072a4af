// The real codex against a scripted Responses server, in folders of a test's own.

import { execFile } from "node:child_process";
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { join } from "node:path";
import type { TestContext } from "node:test";
import { promisify } from "node:util";
import { startResponsesServer, type ResponsesScript, type ResponsesServer } from "@openagents/testing";
import { AgentError, codexAgent, codexBinary, type AgentEvent, type AgentTask } from "../src/index.ts";

export const API_KEY = "sk-canary-of-the-api-key-0001";

export type Scene = {
  readonly server: ResponsesServer;
  readonly root: string;
  readonly workspace: string;
  readonly events: AgentEvent[];
  readonly env: Record<string, string>;
  run(over?: Partial<AgentTask>): ReturnType<ReturnType<typeof codexAgent>["run"]>;
};

/** Undefined, with the test skipped visibly, when codex is not here and cannot be fetched. */
export async function codexProgram(t: TestContext): Promise<string | undefined> {
  // Of the user's cache, so that 400 MB are fetched once and not per test.
  const folder = join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "openagents-tests");
  try {
    return await codexBinary({ folder, env: process.env, signal: t.signal });
  } catch (cause) {
    if (!(cause instanceof AgentError) || cause.code !== "codex_install_failed") throw cause;
    t.skip(`codex is not installed: ${cause.message}`);
    return undefined;
  }
}

/** A workspace with one file under git, and an agent whose model plays the script. */
export async function openScene(
  t: TestContext,
  program: string,
  script: ResponsesScript,
  moreEnv: Record<string, string> = {},
): Promise<Scene> {
  const root = await mkdtemp(join(tmpdir(), "codex-scene-"));
  t.after(() => rm(root, { recursive: true, force: true }));
  const workspace = join(root, "workspace");
  await mkdir(workspace);
  await writeFile(join(workspace, "a.txt"), "one\n");
  await promisify(execFile)("git", ["init", "--quiet", workspace]);
  const server = await startResponsesServer(script);
  t.after(() => server.close());
  const config = {
    model: server.model,
    modelProvider: { baseUrl: server.baseUrl, envKey: "SCRIPTED_KEY", wireApi: "responses" },
  };
  const env = {
    PATH: process.env["PATH"] ?? "",
    HOME: homedir(),
    SCRIPTED_KEY: API_KEY,
    OPENAGENTS_CODEX: program,
    OPENAGENTS_CODEX_CONFIG: JSON.stringify(config),
    ...moreEnv,
  };
  const events: AgentEvent[] = [];
  const task: AgentTask = {
    workspace: { dir: workspace, applyPatch: () => Promise.reject(new Error("codex applies its own")) },
    issue: { title: "The file says one", body: "It should say two." },
    attempt: 1,
    stateDir: join(root, "state"),
    signal: t.signal,
    onEvent: async (event) => void events.push(event),
  };
  const agent = codexAgent({ env, installFolder: join(root, "agents") });
  return { server, root, workspace, events, env, run: (over = {}) => agent.run({ ...task, ...over }) };
}
