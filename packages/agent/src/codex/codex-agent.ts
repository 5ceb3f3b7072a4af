// Codex as the agent, driven through its app server by the real program.
//
// CX-4  Escalations go to a person, and are declined when nobody is there.
// CX-5  Commands run confined or not at all.
// CX-6  A broken-off turn is continued in the same conversation.
// Held by tests/codex-agent.test.ts.

import { execFile } from "node:child_process";
import { realpath } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { AgentError, type Agent, type AgentOutcome, type AgentTask } from "../agent.ts";
import { createAgent } from "../create-agent.ts";
import { inOwnProcessSpace, plainEnvironment, spawnAgentProcess } from "../process/index.ts";
import { secretsOf } from "../redact/index.ts";
import { codexBinary } from "./codex-binary.ts";
import { PERMISSIONS, prepareCodexHome, returnLogin, type CodexHome } from "./codex-home.ts";
import { runTurn } from "./run-turn.ts";
import { settingsFrom, userLoginFile, type CodexSettings } from "./settings.ts";

export type CodexOptions = {
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Where codex is installed when it is not there yet. */
  readonly installFolder: string;
  /** In place of what the environment says. */
  readonly settings?: CodexSettings;
  /** Folders outside of the workspace that the agent's commands may read, whatever the task. */
  readonly readable?: readonly string[];
  readonly onProgress?: (detail: string) => void;
};

export function codexAgent(options: CodexOptions): Agent {
  return createAgent({
    name: "codex",
    kind: "codex",
    secrets: secretsOf(options.env),
    assertReady() {
      if (options.settings === undefined) settingsFrom(options.env);
    },
    work: (task) => work(task, options),
  });
}

async function work(given: AgentTask, options: CodexOptions): Promise<AgentOutcome> {
  // Codex names files, and looks up whom to trust, by the real path.
  const workspace = await realpath(given.workspace.dir);
  const task = { ...given, workspace: { ...given.workspace, dir: workspace } };
  const { env, onProgress } = options;
  const settings = options.settings ?? settingsFrom(env);
  const binary = await codexBinary({
    folder: options.installFolder,
    env,
    signal: task.signal,
    ...(onProgress && { onProgress }),
  });
  const loginFile = userLoginFile(env);
  const home = await prepareCodexHome({
    stateDir: task.stateDir,
    workspace,
    binary,
    settings,
    env,
    readable: [...(options.readable ?? []), ...(task.readable ?? [])],
    writable: task.writable ?? [],
    commandEnv: task.env ?? {},
    loginFile,
  });
  const key = settings.modelProvider?.envKey;
  const childEnv = {
    ...plainEnvironment(env, key === undefined ? [] : [key]),
    CODEX_HOME: home.dir,
    TMPDIR: home.ownTemp,
  };
  await proveConfinement(task, binary, home, childEnv);
  const startCode = "codex_not_started";
  const space = await inOwnProcessSpace(binary, ["app-server"]);
  const server = await spawnAgentProcess(space.program, space.args, {
    cwd: workspace,
    env: childEnv,
    startCode,
  });
  try {
    return await runTurn(task, server);
  } finally {
    await server.stop();
    if (settings.modelProvider === undefined) await returnLogin(home, loginFile);
  }
}

/** A confined shell must start, and must not see the configuration outside of its world. */
async function proveConfinement(
  { workspace, signal }: AgentTask,
  binary: string,
  { dir }: CodexHome,
  env: Record<string, string>,
): Promise<void> {
  const shell = ["/bin/sh", "-c", 'test ! -r "$0" && test -w .', join(dir, "config.toml")];
  const args = ["sandbox", "-P", PERMISSIONS, "-C", workspace.dir, "--", ...shell];
  try {
    await promisify(execFile)(binary, args, { cwd: workspace.dir, env, signal, timeout: 30_000 });
  } catch (cause) {
    signal.throwIfAborted();
    const words = cause instanceof Error && "stderr" in cause ? String(cause.stderr).slice(-500).trim() : "";
    throw new AgentError(
      "codex_sandbox_unavailable",
      `Codex cannot confine commands on this machine, and unconfined they are not run. ${words}`.trim() +
        " Allow user namespaces for this user, and see that OPENAGENTS_CODEX, if set, is the native program.",
    );
  }
}
