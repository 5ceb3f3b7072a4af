// The index of a tree, as whoever is asked for it makes it: from the objects of a
// bundle alone. Nothing of the tree is written out or run.

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { RepoIndexSpec } from "@openagents/contracts";
import {
  INDEX_BYTES_MAX,
  checkIndex,
  describeContent,
  makeRepoIndex,
  type IndexEntry,
  type RepoIndex,
} from "@openagents/proof";
import { canonicalize, parseStrict } from "@openagents/receipts";
import { AutopilotError } from "../autopilot-error.ts";
import { listTree, openBundle, readBlobs, type Base, type TreeItem } from "../git/index.ts";

export type MadeIndex = { readonly index: RepoIndex; readonly bytes: Buffer };

/** As much of a tree's content as is held at once, and so the largest file. */
const BATCH_BYTES_MAX = 64 * 1024 * 1024;
const BATCH_FILES_MAX = 2_000;

/**
 * Index the tree of a bundle within the job's limits, in `folder`, which is ours.
 * Throws `tree_too_large`, `file_too_large`, `index_too_large`, `tree_unsupported`,
 * `index_timeout`, what `openBundle` throws, and the signal's reason.
 */
export async function makeIndex(
  spec: RepoIndexSpec,
  bundle: Buffer,
  folder: string,
  signal: AbortSignal,
): Promise<MadeIndex> {
  const late = AbortSignal.timeout(Number(spec.wallMs));
  try {
    return await indexWithin(spec, bundle, folder, AbortSignal.any([signal, late]));
  } catch (cause) {
    signal.throwIfAborted();
    if (!late.aborted) throw cause;
    throw new AutopilotError("index_timeout", `The index was not made in ${spec.wallMs} ms.`, { cause });
  }
}

async function indexWithin(
  spec: RepoIndexSpec,
  bundle: Buffer,
  folder: string,
  signal: AbortSignal,
): Promise<MadeIndex> {
  const bundleFile = join(folder, "input.bundle");
  await writeFile(bundleFile, bundle);
  const expected = { commit: spec.baseCommit, tree: spec.baseTree };
  const base = await openBundle(bundleFile, folder, expected, Number(spec.bytesMax), signal);
  const items = await listTree(base, signal);
  if (items.length > spec.filesMax) {
    throw new AutopilotError(
      "tree_too_large",
      `The tree has ${items.length} entries; the job allows ${spec.filesMax}.`,
    );
  }
  const index = makeRepoIndex(spec.baseTree, await readEntries(base, items, signal));
  const bytes = Buffer.from(canonicalize(index));
  if (bytes.length > INDEX_BYTES_MAX) {
    throw new AutopilotError(
      "index_too_large",
      `The index has ${bytes.length} bytes; at most ${INDEX_BYTES_MAX} fit.`,
    );
  }
  // What would be held against us is no answer: git holds trees that no index can say.
  const { violation } = checkIndex(bytes, spec, { parse: parseStrict, write: canonicalize });
  if (violation !== undefined)
    throw new AutopilotError("tree_unsupported", `The tree cannot be indexed (${violation}).`);
  return { index, bytes };
}

async function readEntries(
  base: Base,
  items: readonly TreeItem[],
  signal: AbortSignal,
): Promise<IndexEntry[]> {
  const contents = new Map<string, IndexEntry["content"]>();
  for (const batch of batchesOf(items)) {
    for (const [id, content] of await readBlobs(base, batch, signal))
      contents.set(id, describeContent(content));
  }
  return items.map(({ path, mode, id }) => ({ path, mode, id, content: contents.get(id) }));
}

/** Each content once, however many files have it. */
function* batchesOf(items: readonly TreeItem[]): Generator<readonly TreeItem[]> {
  const seen = new Set<string>();
  let batch: TreeItem[] = [];
  let bytes = 0;
  for (const item of items) {
    const { id, path, size } = item;
    if (size === undefined || seen.has(id)) continue;
    seen.add(id);
    if (size > BATCH_BYTES_MAX)
      throw new AutopilotError(
        "file_too_large",
        `${path} has ${size} bytes; at most ${BATCH_BYTES_MAX} fit.`,
      );
    if (batch.length === BATCH_FILES_MAX || bytes + size > BATCH_BYTES_MAX) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(item);
    bytes += size;
  }
  if (batch.length > 0) yield batch;
}
