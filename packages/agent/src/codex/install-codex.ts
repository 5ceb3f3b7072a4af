// Installs the pinned codex into a folder of the user's, on demand, because it
// has 400 MB. What is there under its final name is complete: an install is
// staged elsewhere and renamed, and the name holds the hash of the lock file.

import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { copyFile, link, mkdir, readFile, readdir, rename, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { AgentError } from "../agent.ts";
import { findText } from "../state-file.ts";

export type InstallRequest = {
  /** A folder of the user's for agents; made when it is absent. */
  readonly folder: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly signal: AbortSignal;
  readonly onProgress?: (detail: string) => void;
};

const PIN = fileURLToPath(new URL("../../codex/", import.meta.url));
const INSTALL_MS_MAX = 20 * 60_000;
const POLL_MS = 500;
const OUTPUT_CHARS_MAX = 1_000;

/** The native program below the folder; undefined when it is not installed. */
export async function findInstalledCodex(folder: string): Promise<string | undefined> {
  const packages = join(await installedAt(folder), "node_modules", "@openai");
  for (const name of await readdir(packages).catch(() => [])) {
    const vendor = join(packages, name, "vendor");
    for (const triple of await readdir(vendor).catch(() => [])) {
      const program = join(vendor, triple, "bin", "codex");
      if (existsSync(program)) return program;
    }
  }
  return undefined;
}

/** Answers the program at once when it is installed. Throws `AgentError` `codex_install_failed`. */
export async function installCodex(request: InstallRequest): Promise<string> {
  const found = await findInstalledCodex(request.folder);
  if (found !== undefined) return found;
  await mkdir(request.folder, { recursive: true, mode: 0o700 });
  await using _turn = await takeTurn(request);
  const meanwhile = await findInstalledCodex(request.folder);
  if (meanwhile !== undefined) return meanwhile;
  await install(request);
  const program = await findInstalledCodex(request.folder);
  if (program !== undefined) return program;
  // Incomplete for good: without this the next try would find it in place.
  await rm(await installedAt(request.folder), { recursive: true, force: true });
  throw failed(`there is no program for ${process.platform} ${process.arch} in the package`);
}

async function installedAt(folder: string): Promise<string> {
  const lock = await readFile(join(PIN, "package-lock.json"));
  return join(folder, `codex-${createHash("sha256").update(lock).digest("hex").slice(0, 16)}`);
}

async function install({ folder, env, signal, onProgress }: InstallRequest): Promise<void> {
  onProgress?.("installing codex from the package registry: about 170 MB to fetch, 400 MB on disk");
  const stage = join(folder, `.staged-${randomBytes(6).toString("hex")}`);
  try {
    await mkdir(stage, { mode: 0o700 });
    for (const name of ["package.json", "package-lock.json"])
      await copyFile(join(PIN, name), join(stage, name));
    await npmCi(stage, env, signal);
    await rename(stage, await installedAt(folder));
    onProgress?.("codex is installed");
  } finally {
    await rm(stage, { recursive: true, force: true });
  }
}

/** Install scripts do not run: the package needs none. */
async function npmCi(cwd: string, env: InstallRequest["env"], signal: AbortSignal): Promise<void> {
  const child = spawn("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund"], {
    cwd,
    env: { ...env },
    signal: AbortSignal.any([signal, AbortSignal.timeout(INSTALL_MS_MAX)]),
    stdio: ["ignore", "ignore", "pipe"],
  });
  let errors = "";
  child.stderr.setEncoding("utf8").on("data", (chunk: string) => {
    errors = (errors + chunk).slice(-OUTPUT_CHARS_MAX);
  });
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once("error", reject);
    child.once("close", resolve);
  }).catch((cause: unknown) => {
    signal.throwIfAborted();
    throw failed(cause instanceof Error ? cause.message : String(cause));
  });
  if (code !== 0) throw failed(`npm ended with ${code}: ${errors.trim()}`);
}

/**
 * One install at a time, for economy alone: two at once would both be right. A
 * turn whose process is gone is taken over.
 */
async function takeTurn({ folder, signal, onProgress }: InstallRequest): Promise<AsyncDisposable> {
  const file = join(folder, ".installing");
  const release = { [Symbol.asyncDispose]: () => rm(file, { force: true }) };
  const mine = `${file}-${process.pid}-${randomBytes(4).toString("hex")}`;
  await using _mine = { [Symbol.asyncDispose]: () => rm(mine, { force: true }) };
  await writeFile(mine, `${process.pid}`, { mode: 0o600 });
  const untilMs = performance.now() + INSTALL_MS_MAX;
  let told = false;
  while (performance.now() < untilMs) {
    try {
      // A link, so that the file is never there without its pid.
      await link(mine, file);
      return release;
    } catch (cause) {
      if (!(cause instanceof Error && "code" in cause && cause.code === "EEXIST")) throw cause;
    }
    const holder = Number(await findText(file));
    if (!isAlive(holder)) await rm(file, { force: true });
    else {
      if (!told) onProgress?.("another process is installing codex; waiting for it");
      told = true;
      await pause(POLL_MS, undefined, { signal });
    }
  }
  throw failed(`another process holds ${file} for too long`);
}

function isAlive(pid: number): boolean {
  // Not a pid: the turn has just been given back.
  if (!(pid > 0)) return true;
  try {
    return process.kill(pid, 0);
  } catch (cause) {
    return cause instanceof Error && "code" in cause && cause.code === "EPERM";
  }
}

function failed(why: string): AgentError {
  return new AgentError(
    "codex_install_failed",
    `Codex cannot be installed: ${why}. Check the network and the disk and try again, or set OPENAGENTS_CODEX to a codex program.`,
  );
}
