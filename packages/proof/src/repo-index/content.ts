import { createHash } from "node:crypto";
import type { EntryContent } from "./repo-index.ts";

const NEWLINE = 10;

/** What an index says of a file's bytes. A file with a NUL byte is no text and has no lines. */
export function describeContent(bytes: Buffer): EntryContent {
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  return { bytes: bytes.length, sha256, lines: bytes.includes(0) ? undefined : countLines(bytes) };
}

/** A last line counts also when nothing ends it. */
function countLines(bytes: Buffer): number {
  let lines = 0;
  for (let at = bytes.indexOf(NEWLINE); at >= 0; at = bytes.indexOf(NEWLINE, at + 1)) lines += 1;
  return bytes.length > 0 && bytes.at(-1) !== NEWLINE ? lines + 1 : lines;
}
