// The folder in which codex works for one run, apart from the user's own: its
// configuration, its memory of the conversation, and a scratch folder for the
// commands that it runs.
//
// CX-1  A command reads the system, the toolchains on PATH, the folders that the
//       task names, the workspace, and its scratch folder; it writes the last two,
//       and caches that the task names. It sees neither the user's home nor this
//       configuration nor the login.
// CX-2  A command has no network and none of the variables of our environment
//       but PATH, language and the like, and those of the task.
// CX-3  Nothing inside the workspace configures codex: the project is untrusted.
// Held by tests/codex-secrets.test.ts and codex-agent.test.ts.

import { existsSync } from "node:fs";
import { chmod, lstat, mkdir, realpath, rename, rm, symlink } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import { writeText } from "../state-file.ts";
import type { CodexSettings } from "./settings.ts";

export type CodexHome = {
  /** CODEX_HOME. */
  readonly dir: string;
  /** TMPDIR of codex itself. It may not hold `dir`, or codex refuses to work. */
  readonly ownTemp: string;
};

export const PERMISSIONS = "openagents";

type Env = Readonly<Record<string, string | undefined>>;

export type CodexHomeRequest = {
  readonly stateDir: string;
  readonly workspace: string;
  readonly binary: string;
  readonly settings: CodexSettings;
  readonly env: Env;
  /** More folders that commands may read. */
  readonly readable: readonly string[];
  /** Folders outside of the workspace that they may write. */
  readonly writable: readonly string[];
  /** Variables that commands get besides the plain ones, or in their place. */
  readonly commandEnv: Readonly<Record<string, string>>;
  /** The user's login, linked to when no model provider is named. */
  readonly loginFile: string;
};

/** Writes the configuration anew each time; the conversation of before stays. */
export async function prepareCodexHome(request: CodexHomeRequest): Promise<CodexHome> {
  const stateDir = await realpath(request.stateDir);
  const dir = join(stateDir, "codex");
  const ownTemp = join(stateDir, "codex-temp");
  const scratch = join(stateDir, "scratch");
  const helpers = join(dir, "tmp", "arg0-linux");
  for (const folder of [dir, ownTemp, helpers, join(scratch, "home"), join(scratch, "tmp")]) {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    await chmod(folder, 0o700);
  }
  const readable = [...(await programFolders(request)), helpers, ...request.readable];
  await writeText(join(dir, "config.toml"), configOf(request, scratch, [...new Set(readable)]));
  if (request.settings.modelProvider === undefined) await linkLogin(dir, request.loginFile);
  return { dir, ownTemp };
}

/**
 * Codex may replace the link by a file when it renews the login. The file is
 * moved to where the user's codex looks for it, so that no login stays behind.
 */
export async function returnLogin({ dir }: CodexHome, loginFile: string): Promise<void> {
  const file = join(dir, "auth.json");
  const found = await lstat(file).catch(() => undefined);
  if (found?.isFile() === true) await rename(file, loginFile);
  await rm(file, { force: true });
}

async function linkLogin(dir: string, loginFile: string): Promise<void> {
  const file = join(dir, "auth.json");
  // What a killed process left behind may be the newer login.
  await returnLogin({ dir, ownTemp: "" }, loginFile);
  await symlink(loginFile, file);
}

function configOf(request: CodexHomeRequest, scratch: string, readable: string[]): string {
  const { settings, workspace, writable } = request;
  const { model, modelProvider } = settings;
  const variables = {
    ...request.commandEnv,
    HOME: join(scratch, "home"),
    TMPDIR: join(scratch, "tmp"),
  };
  const names = [...new Set([...PLAIN_VARIABLES, ...Object.keys(variables)])];
  const lines = [
    ...(model === undefined ? [] : [`model = ${quoted(model)}`]),
    ...(modelProvider === undefined ? [] : [`model_provider = "configured"`]),
    `default_permissions = ${quoted(PERMISSIONS)}`,
    `approval_policy = "on-request"`,
    `allow_login_shell = false`,
    `check_for_update_on_startup = false`,
    `web_search = "disabled"`,
    `cli_auth_credentials_store = "file"`,
    `[analytics]`,
    `enabled = false`,
    `[history]`,
    `persistence = "none"`,
    `[agents]`,
    `enabled = false`,
    `[features]`,
    `apps = false`,
    `plugins = false`,
    `[projects.${quoted(workspace)}]`,
    `trust_level = "untrusted"`,
    `[shell_environment_policy]`,
    `inherit = "core"`,
    // What is set and not named here, codex takes out again.
    `include_only = [${names.map(quoted).join(", ")}]`,
    `[shell_environment_policy.set]`,
    ...Object.entries(variables).map(([name, value]) => `${quoted(name)} = ${quoted(value)}`),
    `[permissions.${PERMISSIONS}.filesystem]`,
    `":minimal" = "read"`,
    ...readable.map((folder) => `${quoted(folder)} = "read"`),
    ...[scratch, ...writable].map((folder) => `${quoted(folder)} = "write"`),
    // A user who is root could read these otherwise.
    ...SYSTEM_SECRETS.filter((path) => existsSync(path)).map((path) => `${quoted(path)} = "deny"`),
    `[permissions.${PERMISSIONS}.filesystem.":workspace_roots"]`,
    `"." = "write"`,
    // Our own git and codex obey what these say, outside of the sandbox.
    ...[".git", ".codex", ".agents"].map((name) => `${quoted(name)} = "read"`),
    `[permissions.${PERMISSIONS}.network]`,
    `enabled = false`,
  ];
  if (modelProvider !== undefined)
    lines.push(
      `[model_providers.configured]`,
      `name = "configured"`,
      `base_url = ${quoted(modelProvider.baseUrl)}`,
      `env_key = ${quoted(modelProvider.envKey)}`,
      `wire_api = "responses"`,
    );
  return `${lines.join("\n")}\n`;
}

const PLAIN_VARIABLES = ["PATH", "USER", "LOGNAME", "SHELL", "LANG", "LC_ALL", "LC_CTYPE", "TERM", "TZ"];

const SYSTEM_SECRETS = [
  "/etc/shadow",
  "/etc/shadow-",
  "/etc/gshadow",
  "/etc/gshadow-",
  "/etc/ssl/private",
  "/etc/ssh",
];

/** Where the programs of PATH and codex's own are, as far as they are not the system's. */
async function programFolders({ binary, env }: CodexHomeRequest): Promise<string[]> {
  const folders = [programRoot(await realpath(binary), undefined)];
  for (const entry of (env["PATH"] ?? "").split(":")) {
    if (!entry.startsWith("/") || /^\/(usr|bin|sbin|lib|lib64)(\/|$)/.test(entry)) continue;
    const folder = await realpath(entry).catch(() => undefined);
    if (folder !== undefined) folders.push(programRoot(join(folder, "x"), env["HOME"]));
  }
  return folders;
}

/**
 * `/opt/node` for `/opt/node/bin/node`, because a toolchain's libraries are
 * beside its `bin`. Not so where that would open a home, or a folder right in
 * one: `~/.local` and `~/.cargo` hold logins too.
 */
function programRoot(program: string, home: string | undefined): string {
  const folder = dirname(program);
  const root = dirname(folder);
  const personal =
    home !== undefined && (`${home}${sep}`.startsWith(`${root}${sep}`) || dirname(root) === home);
  return basename(folder) === "bin" && root !== sep && !personal ? root : folder;
}

/** A basic string of TOML; JSON's escapes are a part of TOML's. */
function quoted(text: string): string {
  return JSON.stringify(text).replaceAll("\u007f", "\\u007f");
}
