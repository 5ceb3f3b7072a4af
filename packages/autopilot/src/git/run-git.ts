// How every git of ours is started: without the machine's or the user's
// configuration, hooks, monitors, prompts or network, with bounded output and
// time. A repository is somebody else's data; none of it may run.

import { spawn } from "node:child_process";
import { AutopilotError } from "../autopilot-error.ts";

export type GitCall = {
  readonly cwd: string;
  /** A repository of ours, apart from the work tree, so that nothing in the tree can configure git. */
  readonly gitDir?: string;
  readonly workTree?: string;
  readonly indexFile?: string;
  /** Fixed, so that equal trees make equal commits. */
  readonly commitDate?: string;
  readonly input?: Buffer;
  readonly outputBytesMax?: number;
  /** The one way to another machine that this call may take; absent: none. */
  readonly network?: "https" | "ssh" | "http";
  /** For `https` and `http`: sent to this origin alone, and never in an argument, which others on the machine can read. */
  readonly authorization?: { readonly origin: string; readonly header: string };
  readonly wallMsMax?: number;
  readonly signal?: AbortSignal | undefined;
};

/** Git ran and said no. `detail` is the end of what it said. */
export class GitError extends AutopilotError {
  readonly exitCode: number | undefined;
  readonly detail: string;

  constructor(command: string, exitCode: number | undefined, detail: string) {
    super(
      "git_failed",
      `git ${command} failed: ${detail === "" ? `exit code ${exitCode ?? "unknown"}` : detail}`,
    );
    this.exitCode = exitCode;
    this.detail = detail;
  }
}

const OUTPUT_BYTES_MAX = 16 * 1024 * 1024;
const STDERR_CHARS_MAX = 2_000;
const WALL_MS_MAX = 120_000;

const SETTINGS = [
  // Somebody else's folder is read here on purpose, and root may read it.
  "safe.directory=*",
  "user.name=OpenAgents",
  "user.email=autopilot@openagents.com",
  "core.hooksPath=/dev/null",
  "core.fsmonitor=false",
  "core.untrackedCache=false",
  "core.autocrlf=false",
  "commit.gpgSign=false",
  "gc.auto=0",
  "protocol.allow=never",
  // Threads make packs differ from run to run.
  "pack.threads=1",
];

/**
 * Run git and answer its standard output. Throws `GitError` when it exits
 * non-zero, `git_output_too_large`, `git_timeout`, `git_missing`, or the
 * signal's reason.
 */
export async function runGit(args: readonly string[], call: GitCall): Promise<Buffer> {
  call.signal?.throwIfAborted();
  const command = args[0] ?? "";
  const settings = [
    ...SETTINGS,
    ...(call.network === undefined ? [] : [`protocol.${call.network}.allow=always`]),
  ];
  const child = spawn("git", [...settings.flatMap((setting) => ["-c", setting]), ...args], {
    cwd: call.cwd,
    env: environment(call),
    stdio: ["pipe", "pipe", "pipe"],
  });
  // Our own timer: the one of `spawn` stays behind when git cannot be started.
  const wallMsMax = call.wallMsMax ?? WALL_MS_MAX;
  const timer = setTimeout(() => child.kill("SIGKILL"), wallMsMax);
  const abort = () => child.kill("SIGKILL");
  call.signal?.addEventListener("abort", abort);

  const outputBytesMax = call.outputBytesMax ?? OUTPUT_BYTES_MAX;
  const chunks: Buffer[] = [];
  let bytes = 0;
  child.stdout.on("data", (chunk: Buffer) => {
    bytes += chunk.length;
    if (bytes > outputBytesMax) child.kill("SIGKILL");
    else chunks.push(chunk);
  });
  let stderr = "";
  child.stderr.on("data", (chunk: Buffer) => {
    stderr = (stderr + chunk.toString("utf8")).slice(-STDERR_CHARS_MAX);
  });
  // Git may end before it has read all; that shows in its exit code.
  child.stdin.on("error", () => {});
  child.stdin.end(call.input ?? "");

  try {
    const { code, signal } = await ended(child);
    call.signal?.throwIfAborted();
    if (bytes > outputBytesMax) {
      throw new AutopilotError(
        "git_output_too_large",
        `git ${command} wrote more than ${outputBytesMax} bytes.`,
      );
    }
    if (signal === "SIGKILL") {
      throw new AutopilotError("git_timeout", `git ${command} was ended after ${wallMsMax / 1000} s.`);
    }
    if (code !== 0) throw new GitError(command, code ?? undefined, stderr.trim());
    return Buffer.concat(chunks);
  } finally {
    clearTimeout(timer);
    call.signal?.removeEventListener("abort", abort);
  }
}

/** Standard output as text without the final newline. */
export async function runGitText(args: readonly string[], call: GitCall): Promise<string> {
  return (await runGit(args, call)).toString("utf8").replace(/\n$/, "");
}

function ended(child: ReturnType<typeof spawn>): Promise<{ code: number | null; signal: string | null }> {
  return new Promise((resolve, reject) => {
    child.on("error", (cause) => {
      const missing = "code" in cause && cause.code === "ENOENT";
      const code = missing ? "git_missing" : "git_failed";
      const message = missing
        ? "git was not found, or its folder is gone. Install it: `apt-get install git`, `brew install git`, or git-scm.com."
        : `git: ${cause.message}`;
      reject(new AutopilotError(code, message, { cause }));
    });
    child.on("close", (code, signal) => resolve({ code, signal }));
  });
}

function environment(call: GitCall): NodeJS.ProcessEnv {
  return {
    PATH: process.env["PATH"] ?? "/usr/bin:/bin",
    HOME: "/nonexistent",
    LC_ALL: "C",
    TZ: "UTC",
    GIT_CONFIG_NOSYSTEM: "1",
    GIT_CONFIG_SYSTEM: "/dev/null",
    GIT_CONFIG_GLOBAL: "/dev/null",
    GIT_ATTR_NOSYSTEM: "1",
    GIT_TERMINAL_PROMPT: "0",
    GIT_ASKPASS: "/bin/false",
    GIT_OPTIONAL_LOCKS: "0",
    GIT_NO_LAZY_FETCH: "1",
    // A replaced object is not what its id says.
    GIT_NO_REPLACE_OBJECTS: "1",
    GIT_LITERAL_PATHSPECS: "1",
    ...(call.gitDir === undefined ? {} : { GIT_DIR: call.gitDir }),
    ...(call.workTree === undefined ? {} : { GIT_WORK_TREE: call.workTree }),
    ...(call.indexFile === undefined ? {} : { GIT_INDEX_FILE: call.indexFile }),
    ...(call.commitDate === undefined
      ? {}
      : { GIT_AUTHOR_DATE: call.commitDate, GIT_COMMITTER_DATE: call.commitDate }),
    ...(call.network === undefined ? {} : networkEnvironment()),
    ...(call.authorization === undefined ? {} : authorizationEnvironment(call.authorization)),
  };
}

/** How this machine reaches others. Ssh may use a key or an agent of the user's, and asks nothing. */
function networkEnvironment(): NodeJS.ProcessEnv {
  const named = ["SSH_AUTH_SOCK", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY", "SSL_CERT_FILE"];
  return {
    GIT_SSH_COMMAND: "ssh -o BatchMode=yes",
    ...Object.fromEntries(
      named.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]])),
    ),
  };
}

/** Not followed elsewhere: a redirect would take the header along. */
function authorizationEnvironment({
  origin,
  header,
}: NonNullable<GitCall["authorization"]>): NodeJS.ProcessEnv {
  return {
    GIT_CONFIG_COUNT: "2",
    GIT_CONFIG_KEY_0: `http.${origin}/.extraHeader`,
    GIT_CONFIG_VALUE_0: `Authorization: ${header}`,
    GIT_CONFIG_KEY_1: "http.followRedirects",
    GIT_CONFIG_VALUE_1: "false",
  };
}
