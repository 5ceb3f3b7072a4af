// What an index says of a tree: a function of its entries, so that who has the
// entries makes the whole index again, and equal trees have equal indexes.

import { languageOf } from "./language.ts";
import type { TreeEntry } from "./tree-id.ts";
import { compareUtf8 } from "./utf8-order.ts";

/** To check more at once would keep everybody else waiting. */
export const INDEX_BYTES_MAX = 8 * 1024 * 1024;

export const REPO_INDEX = "oa.repo_index.v1";

/** A submodule's commit, which holds nothing here. */
const SUBMODULE = "160000";
const LINK = "120000";

/** A file or a link with its content's size and hash; a submodule without. */
export type IndexEntry = TreeEntry & {
  readonly content: EntryContent | undefined;
};

export type EntryContent = {
  readonly bytes: number;
  readonly sha256: string;
  /** Undefined for what is no text. */
  readonly lines: number | undefined;
};

type Tally = { files: number; bytes: number; lines: number };

export type RepoIndex = {
  readonly schema: string;
  readonly tree: string;
  readonly files: {
    readonly path: string;
    readonly mode: string;
    readonly id: string;
    readonly bytes?: number;
    readonly sha256?: string;
    readonly language?: string;
    readonly lines?: number;
  }[];
  readonly totals: Tally & { readonly languages: Record<string, Tally> };
};

/** The index of a tree with these entries, in whatever order they come. */
export function makeRepoIndex(tree: string, entries: readonly IndexEntry[]): RepoIndex {
  const totals = emptyTally();
  const languages: Record<string, Tally> = {};
  const files = entries.toSorted(byPath).map(({ path, mode, id, content }) => {
    if (content === undefined) return { path, mode, id };
    const { lines, bytes, sha256 } = content;
    const language = mode === LINK ? undefined : languageOf(path);
    add(totals, content);
    if (language !== undefined) add((languages[language] ??= emptyTally()), content);
    return {
      path,
      mode,
      id,
      bytes,
      sha256,
      ...(language === undefined ? {} : { language }),
      ...(lines === undefined ? {} : { lines }),
    };
  });
  return { schema: REPO_INDEX, tree, files, totals: { ...totals, languages } };
}

/** The entries that a parsed index lists; undefined when it is none. */
export function readEntries(value: unknown): IndexEntry[] | undefined {
  const files = isObject(value) ? value["files"] : undefined;
  if (!Array.isArray(files)) return undefined;
  const entries: IndexEntry[] = [];
  for (const file of files) {
    const entry = isObject(file) ? entryOf(file) : undefined;
    if (entry === undefined) return undefined;
    entries.push(entry);
  }
  return entries;
}

function entryOf(file: Readonly<Record<string, unknown>>): IndexEntry | undefined {
  const { path, mode, id, bytes, sha256, lines } = file;
  if (typeof path !== "string" || path === "") return undefined;
  if (typeof mode !== "string" || !/^(100644|100664|100755|120000|160000)$/.test(mode)) return undefined;
  if (typeof id !== "string" || !/^[0-9a-f]{40}$/.test(id)) return undefined;
  if (mode === SUBMODULE) return { path, mode, id, content: undefined };
  if (!isCount(bytes) || typeof sha256 !== "string" || !/^[0-9a-f]{64}$/.test(sha256)) return undefined;
  if (lines !== undefined && (!isCount(lines) || lines > bytes)) return undefined;
  return { path, mode, id, content: { bytes, sha256, lines } };
}

function byPath(a: IndexEntry, b: IndexEntry): number {
  return compareUtf8(a.path, b.path);
}

function emptyTally(): Tally {
  return { files: 0, bytes: 0, lines: 0 };
}

function add(tally: Tally, { bytes, lines = 0 }: EntryContent): void {
  tally.files += 1;
  tally.bytes += bytes;
  tally.lines += lines;
}

function isCount(value: unknown): value is number {
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
