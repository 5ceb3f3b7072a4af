// What the commands left in the folder that was asked for.
//
// Read by a confined process after the last command, when nothing of the job is
// alive to change it meanwhile: whatever the job put there, the reader sees no
// more than the job did, and what it says is parsed as untrusted bytes.

import { basename, dirname } from "node:path";
import type { Programs } from "./programs.ts";
import { readTar, TarError } from "./read-tar.ts";
import type { Step } from "./run-confined.ts";
import type { RunOutcome, RunRequest } from "./sandbox.ts";

export type Collected = Pick<RunOutcome, "collected" | "collectedTooMuch">;

const FILES_MAX = 4_096;
const COLLECT_WALL_MS = 60_000;
/** For headers, padding and names, of whatever else there is too. */
const FRAME_BYTES_MAX = 8 * 1024 * 1024;

const TOO_MUCH: Collected = { collected: new Map(), collectedTooMuch: true };

/** Regular files below the folder, links to files counted as none and hard links as files. Nothing when the folder is gone. */
export async function collectFiles(
  step: Step,
  programs: Programs,
  { folder, bytesMax }: NonNullable<RunRequest["collect"]>,
): Promise<Collected> {
  const name = basename(folder);
  const what = ["-C", dirname(folder), "-cf", "-", "--", name];
  const end = await step([programs.tar, "--format=gnu", "--hard-dereference", "--numeric-owner", ...what], {
    metered: false,
    wallMs: COLLECT_WALL_MS,
    outputBytes: bytesMax + FRAME_BYTES_MAX,
  });
  if (end.limit !== undefined) return TOO_MUCH;
  const collected = new Map<string, Buffer>();
  let bytes = 0;
  try {
    for await (const entry of readTar(once(end.stdout))) {
      if (entry.kind !== "file" || !entry.path.startsWith(`${name}/`)) continue;
      bytes += entry.size;
      if (bytes > bytesMax || collected.size >= FILES_MAX) return TOO_MUCH;
      const parts = [];
      for await (const part of entry.content()) parts.push(part);
      collected.set(entry.path.slice(name.length + 1), Buffer.concat(parts));
    }
  } catch (error) {
    // The folder is gone, or the reader could not be started in what the job left: as if it had left nothing.
    if (error instanceof TarError) return { collected: new Map(), collectedTooMuch: false };
    throw error;
  }
  return { collected, collectedTooMuch: false };
}

async function* once(bytes: Buffer): AsyncGenerator<Buffer, void> {
  yield bytes;
}
