// A process space of its own for an agent: it cannot read the environment of
// our process or of others, and everything that it started ends when it or we
// end, also by kill -9, and also what left its process group.

import { execFile } from "node:child_process";
import { promisify } from "node:util";

const SPACE = ["--die-with-parent", "--unshare-pid", "--dev-bind", "/", "/", "--proc", "/proc", "--"];

export type ProcessSpace = { readonly program: string; readonly args: readonly string[] };

/** The program as it is where bubblewrap is missing or may not be used. */
export async function inOwnProcessSpace(program: string, args: readonly string[]): Promise<ProcessSpace> {
  try {
    await promisify(execFile)("bwrap", [...SPACE, "true"], { timeout: 10_000 });
  } catch {
    return { program, args };
  }
  return { program: "bwrap", args: [...SPACE, program, ...args] };
}
