// Whether a base is what may go to strangers: a git bundle whose every ref names
// the one commit, which has no parents. Read from the bundle's first bytes, where
// git puts the commit; what a pack holds behind it no ref can reach.

import { createHash } from "node:crypto";
import { inflateSync } from "node:zlib";
import type { RepoIndexSpec } from "@openagents/contracts";

/** More than the refs and the commit of any base that the CLI makes. */
export const BASE_PREFIX_BYTES = 64 * 1024;

const SIGNATURE = /^# v[23] git bundle$/;
const COMMIT = 1;

/** What is wrong with the bundle that starts with these bytes, as a sentence. */
export function findBaseProblem(
  prefix: Buffer,
  { baseCommit, baseTree }: Pick<RepoIndexSpec, "baseCommit" | "baseTree">,
): string | undefined {
  const end = prefix.indexOf("\n\n");
  const [signature = "", ...lines] = prefix.subarray(0, Math.max(0, end)).toString("latin1").split("\n");
  if (!SIGNATURE.test(signature)) return "it is not a git bundle.";
  const refs: string[] = [];
  for (const line of lines) {
    if (line.startsWith("-")) return "it needs commits that it does not carry.";
    if (line.startsWith("@") && line !== "@object-format=sha1") return `it needs \`${line.slice(1, 80)}\`.`;
    if (!line.startsWith("@")) refs.push(line.slice(0, line.indexOf(" ")));
  }
  if (refs.length === 0 || refs.some((id) => id !== baseCommit)) {
    return `its refs name other commits than ${baseCommit}.`;
  }
  const commit = readFirstCommit(prefix.subarray(end + 2));
  const id = commit && createHash("sha1").update(`commit ${commit.length}\0`).update(commit).digest("hex");
  if (commit === undefined || id !== baseCommit) return `it does not start with commit ${baseCommit}.`;
  const [tree, ...headers] = (commit.toString("latin1").split("\n\n", 1)[0] ?? "").split("\n");
  if (headers.some((header) => header.startsWith("parent "))) return `commit ${baseCommit} has a parent.`;
  if (tree !== `tree ${baseTree}`) return `commit ${baseCommit} does not have the tree ${baseTree}.`;
  return undefined;
}

/** The pack's first object when that is a commit: `PACK`, version, count, then type and length, then deflated bytes. */
function readFirstCommit(pack: Buffer): Buffer | undefined {
  if (pack.length < 13 || pack.toString("latin1", 0, 4) !== "PACK" || pack.readUInt32BE(4) !== 2)
    return undefined;
  let at = 12;
  if (((pack[at] ?? 0) >> 4) % 8 !== COMMIT) return undefined;
  while ((pack[at] ?? 0) >= 128) at += 1;
  try {
    return inflateSync(pack.subarray(at + 1), { maxOutputLength: BASE_PREFIX_BYTES });
  } catch {
    // Cut short, too long, or no deflated bytes at all: in each case no commit.
    return undefined;
  }
}
