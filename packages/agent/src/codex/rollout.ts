// Codex's own log of a conversation, read for what its notifications leave out:
// a command that soon fails with what looks like a refusal of the sandbox is no
// item, and a resumed conversation has no raw events that would tell of it.

import { open, stat } from "node:fs/promises";
import { parseLogged, type CodexNews } from "./protocol.ts";

const BYTES_MAX = 64 * 1024 * 1024;

/** How long the log is now; 0 when there is none yet. */
export async function rolloutBytes(path: string): Promise<number> {
  const found = await stat(path).catch(() => undefined);
  return found?.size ?? 0;
}

/** What was called and answered since the log was `from` bytes long. Of a longer log, the end is left out. */
export async function readRollout(path: string, from: number): Promise<CodexNews[]> {
  const bytes = Math.min((await rolloutBytes(path)) - from, BYTES_MAX);
  if (bytes <= 0) return [];
  await using file = await open(path, "r");
  const { buffer, bytesRead } = await file.read(Buffer.alloc(bytes), 0, bytes, from);
  const lines = buffer.subarray(0, bytesRead).toString("utf8").split("\n");
  return lines.slice(0, -1).flatMap((line) => parseLogged(line) ?? []);
}
