// For tests: a sandbox of this machine, trees to run in, and the host's side of an escape.

import { createHash } from "node:crypto";
import {
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import type { TestContext } from "node:test";
import { setTimeout as delay } from "node:timers/promises";
import { createSandbox, OWN_CHECK_FAILED, type SandboxOptions } from "./create-sandbox.ts";
import type { CommandOutcome, RunRequest, Sandbox, SandboxLimits } from "./sandbox.ts";
import { SandboxError } from "./sandbox-error.ts";

/**
 * Why the tests of confined commands cannot run here, for `skip`; false when
 * they can. A sandbox that starts and does not hold is a failure, not a reason.
 */
export const whyNotHere: string | false = await createSandbox().then(
  () => false,
  (error: unknown) => {
    const isMissing = error instanceof SandboxError && error.code === "sandbox_unavailable";
    if (isMissing && !error.message.includes(OWN_CHECK_FAILED)) return error.message;
    throw error;
  },
);

export const node = { name: "node", prefix: dirname(dirname(process.execPath)) };

export const roomy: SandboxLimits = {
  wallMs: 20_000,
  cpuMs: 20_000,
  memoryMib: 512,
  pids: 128,
  diskMib: 32,
  outputBytes: 1024 * 1024,
};

/** A folder with these files, removed with the test. */
export function makeTree(t: TestContext, files: Readonly<Record<string, string>> = {}): string {
  const tree = mkdtempSync(join(tmpdir(), "openagents-tree-"));
  t.after(() => rmSync(tree, { recursive: true, force: true }));
  for (const [path, content] of Object.entries(files)) {
    mkdirSync(dirname(join(tree, path)), { recursive: true });
    writeFileSync(join(tree, path), content);
  }
  return tree;
}

export type Seen = Omit<CommandOutcome, "stdout" | "stderr"> & {
  readonly stdout: string;
  readonly stderr: string;
};

/** Runs one command in a new tree, or what the request says; output as text. */
export type Run = (command: string, request?: Partial<RunRequest>) => Promise<Seen>;

export async function startSandbox(
  t: TestContext,
  options?: SandboxOptions,
): Promise<{ sandbox: Sandbox; run: Run }> {
  const sandbox = await createSandbox(options);
  return {
    sandbox,
    async run(command, request) {
      const tree = request?.tree ?? makeTree(t);
      const base = { commands: [command], limits: roomy, toolchains: [node] };
      const { commands } = await sandbox.runCommands({ ...base, ...request, tree });
      const last = commands.at(-1);
      if (last === undefined) throw new Error("no command ran");
      return { ...last, stdout: last.stdout.toString("utf8"), stderr: last.stderr.toString("utf8") };
    },
  };
}

/** Equal before and after when nothing in a folder was changed: names, kinds, modes, owners, times of writing, and bytes. */
export function hashTree(folder: string): string {
  const hash = createHash("sha256");
  const look = (path: string) => {
    const found = lstatSync(path);
    hash.update(`${path}\0${found.mode}\0${found.uid}\0${found.mtimeMs}\0${found.nlink}\0`);
    if (found.isSymbolicLink()) hash.update(readlinkSync(path));
    else if (found.isFile()) hash.update(readFileSync(path));
    else for (const name of readdirSync(path).sort()) look(join(path, name));
  };
  look(folder);
  return hash.digest("hex");
}

/** Processes of the host with this text in their command line. */
export function hostProcesses(mark: string): number[] {
  const found: number[] = [];
  for (const name of readdirSync("/proc")) {
    if (!/^\d+$/.test(name) || Number(name) === process.pid) continue;
    try {
      if (readFileSync(`/proc/${name}/cmdline`, "latin1").includes(mark)) found.push(Number(name));
    } catch {
      // It ended while we looked.
    }
  }
  return found;
}

/** Wait for something that another process does. Throws when it does not happen. */
export async function until(condition: () => boolean, what: string): Promise<void> {
  for (let tries = 0; !condition(); tries += 1) {
    if (tries > 1_000) throw new Error(`did not happen: ${what}`);
    await delay(10);
  }
}
