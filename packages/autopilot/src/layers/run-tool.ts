// How an installer is started: with the registry and proxy settings of this
// machine, a home of its own, and none of the user's secrets in its environment.

import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir } from "node:fs/promises";
import { homedir } from "node:os";
import { join } from "node:path";
import { AutopilotError } from "../autopilot-error.ts";

export type ToolCall = {
  readonly cwd: string;
  /** For the tool's home and temporary files. */
  readonly scratch: string;
  /** What to install when the program is missing. */
  readonly install: string;
  /** The next step when it fails. */
  readonly next: string;
  readonly signal: AbortSignal;
};

const WALL_MS_MAX = 15 * 60_000;
const OUTPUT_BYTES_MAX = 8 * 1024 * 1024;
const STDERR_CHARS_MAX = 2_000;

/** How to reach registries; nothing else of our environment passes. */
const PASSED =
  "PATH LANG HTTP_PROXY HTTPS_PROXY NO_PROXY http_proxy https_proxy no_proxy " +
  "NODE_EXTRA_CA_CERTS SSL_CERT_FILE SSL_CERT_DIR REQUESTS_CA_BUNDLE CURL_CA_BUNDLE " +
  "npm_config_registry NPM_CONFIG_REGISTRY npm_config_cafile NPM_CONFIG_CAFILE " +
  "PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_FIND_LINKS PIP_CERT PIP_TRUSTED_HOST PIP_DEFAULT_TIMEOUT";

/** Variables by which an installer finds the user's own settings, and the files that hold them, the first that is there. */
function settingsFiles(): Readonly<Record<string, readonly (string | undefined)[]>> {
  const { env } = process;
  const config = env["XDG_CONFIG_HOME"] ?? join(homedir(), ".config");
  return {
    npm_config_userconfig: [
      env["npm_config_userconfig"],
      env["NPM_CONFIG_USERCONFIG"],
      join(homedir(), ".npmrc"),
    ],
    PIP_CONFIG_FILE: [env["PIP_CONFIG_FILE"], join(config, "pip/pip.conf"), join(homedir(), ".pip/pip.conf")],
  };
}

/** The environment of an installer. Pure but for looking which settings files there are. */
export function toolEnvironment(scratch: string): Record<string, string> {
  const env: Record<string, string> = {
    HOME: join(scratch, "home"),
    TMPDIR: join(scratch, "tmp"),
    CI: "true",
    PIP_USER: "0",
    PIP_REQUIRE_VIRTUALENV: "0",
    COREPACK_ENABLE_DOWNLOAD_PROMPT: "0",
  };
  for (const name of PASSED.split(" ")) {
    const value = process.env[name];
    if (value !== undefined) env[name] = value;
  }
  for (const [name, files] of Object.entries(settingsFiles())) {
    const file = files.find((path) => path !== undefined && existsSync(path));
    if (file !== undefined) env[name] = file;
  }
  return env;
}

/**
 * Run an installer and answer its standard output. Throws `layer_tool_missing`,
 * `layer_failed` with the end of what it said, or the signal's reason. What it
 * started ends with it.
 */
export async function runTool(command: readonly [string, ...string[]], call: ToolCall): Promise<string> {
  call.signal.throwIfAborted();
  const [program, ...args] = command;
  const env = toolEnvironment(call.scratch);
  for (const folder of ["home", "tmp"])
    await mkdir(join(call.scratch, folder), { recursive: true, mode: 0o700 });
  // A group of its own, so that its children can be ended too.
  const child = spawn(program, args, {
    cwd: call.cwd,
    env,
    stdio: ["ignore", "pipe", "pipe"],
    detached: true,
  });
  const kill = () => {
    try {
      if (child.pid !== undefined) process.kill(-child.pid, "SIGKILL");
    } catch {
      // It has ended.
    }
  };
  let why: string | undefined;
  const end = (problem: string) => {
    why ??= problem;
    kill();
  };
  const timer = setTimeout(() => end(`it was ended after ${WALL_MS_MAX / 60_000} minutes`), WALL_MS_MAX);
  call.signal.addEventListener("abort", kill);
  const out: Buffer[] = [];
  let bytes = 0;
  let said = "";
  child.stdout.on("data", (part: Buffer) => {
    bytes += part.length;
    if (bytes > OUTPUT_BYTES_MAX) end(`it wrote more than ${OUTPUT_BYTES_MAX} bytes`);
    else out.push(part);
  });
  child.stderr.on("data", (part: Buffer) => (said = (said + part.toString("utf8")).slice(-STDERR_CHARS_MAX)));
  try {
    const code = await ended(child, program, call.install);
    call.signal.throwIfAborted();
    if (code === 0 && why === undefined) return Buffer.concat(out).toString("utf8");
    const problem = (why ?? said.trim()) || `exit code ${code}`;
    throw new AutopilotError(
      "layer_failed",
      `${command.slice(0, 4).join(" ")} failed: ${problem}\n${call.next}`,
    );
  } finally {
    clearTimeout(timer);
    call.signal.removeEventListener("abort", kill);
    kill();
  }
}

function ended(child: ReturnType<typeof spawn>, program: string, install: string): Promise<number | null> {
  return new Promise((resolve, reject) => {
    child.on("error", (cause) => {
      const message = `The dependencies need ${program}, which is not on the path. ${install}`;
      reject(new AutopilotError("layer_tool_missing", message, { cause }));
    });
    child.on("close", resolve);
  });
}
