// Files that only their owner may read, written so that a crash leaves the old
// content or the new one, never a part.

import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  statSync,
  writeSync,
} from "node:fs";
import { dirname } from "node:path";
import { StackError } from "./stack-error.ts";

/** Make a folder (and its parents) that only we may enter. An existing one that others may enter is refused. */
export function makePrivateFolder(folder: string): void {
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const { mode, uid } = statSync(folder);
  if (process.getuid !== undefined && uid !== process.getuid()) {
    throw new StackError(
      "folder_not_ours",
      `${folder} belongs to another user`,
      "choose a folder of your own with --data-dir",
    );
  }
  if ((mode & 0o077) !== 0) {
    throw new StackError(
      "folder_not_private",
      `${folder} is open to other users, and keys are kept there`,
      `run: chmod 700 '${folder}'`,
    );
  }
}

/** Replace a file in one step, readable by its owner alone. */
export function writePrivateFile(path: string, content: string): void {
  const draft = writeDraft(path, content);
  renameSync(draft, path);
  syncFolder(path);
}

/** The file's text; undefined when there is no such file. */
export function readIfExists(path: string): string | undefined {
  try {
    return readFileSync(path, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    throw error;
  }
}

function writeDraft(path: string, content: string): string {
  const draft = `${path}.${randomBytes(6).toString("hex")}.draft`;
  const fd = openSync(draft, "wx", 0o600);
  try {
    writeSync(fd, content);
    // A key that encrypts or signs must be on disk before anything rests on it.
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
  return draft;
}

function syncFolder(path: string): void {
  const fd = openSync(dirname(path), "r");
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
