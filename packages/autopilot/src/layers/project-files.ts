// Reading a project's manifests. The tree is a stranger's too: only regular
// files of bounded size, and no link on the way that leads out of it.

import { lstatSync, readFileSync, realpathSync } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AutopilotError } from "../autopilot-error.ts";
import { isPathBelow } from "./layer.ts";

const FILE_BYTES_MAX = 32 * 1024 * 1024;

/** The text of a file of the project; undefined when there is none. Throws `layer_unsupported` for what is not a plain file in the tree. */
export function readProjectFile(dir: string, path: string): string | undefined {
  return isProjectFile(dir, path) ? readFileSync(join(dir, path), "utf8") : undefined;
}

/** Copy files of the project, those that are there, to the same paths. */
export async function copyProjectFiles(dir: string, paths: readonly string[], to: string): Promise<void> {
  for (const path of paths) {
    if (!isProjectFile(dir, path)) continue;
    await mkdir(dirname(join(to, path)), { recursive: true });
    await copyFile(join(dir, path), join(to, path));
  }
}

function isProjectFile(dir: string, path: string): boolean {
  if (!isPathBelow(path)) refuse(`${JSON.stringify(path)} is not a path in the repository`);
  const full = join(dir, path);
  const found = lstatSync(full, { throwIfNoEntry: false });
  if (found === undefined) return false;
  const isPlain = found.isFile() && realpathSync(full) === join(realpathSync(dir), path);
  if (!isPlain) refuse(`${path} is not a plain file in the repository`);
  if (found.size > FILE_BYTES_MAX) refuse(`${path} is larger than ${FILE_BYTES_MAX} bytes`);
  return true;
}

/** A member of parsed JSON as an object; empty when it is none. */
export function objectOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value) ? { ...value } : {};
}

/** A member of parsed JSON as text; empty when it is none. */
export function textOf(value: unknown): string {
  return typeof value === "string" ? value : "";
}

/** Throws `layer_unsupported` naming the file when it is not JSON. */
export function parseProjectJson(text: string, path: string): Readonly<Record<string, unknown>> {
  try {
    return objectOf(JSON.parse(text));
  } catch {
    return refuse(`${path} is not JSON`);
  }
}

export function refuse(problem: string, next = "Correct it and commit it."): never {
  throw new AutopilotError("layer_unsupported", `No layer can be built: ${problem}. ${next}`);
}
