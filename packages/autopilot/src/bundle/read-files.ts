// Reading a bundle's folder as data: plain files in the places that the layout
// names, within its limits. Links and other things are told, never followed.

import { constants, existsSync } from "node:fs";
import { open, readdir } from "node:fs/promises";
import { join } from "node:path";
import {
  ARTIFACTS_FOLDER,
  BASE_FILE,
  BYTES_MAX,
  FILES_MAX,
  MANIFEST_FILE,
  PATCH_FILE,
  RECEIPTS_FOLDER,
  REPLAY_FILE,
  RUN_RECEIPT_FILE,
  SUMMARY_FILE,
  type BundleFiles,
} from "./layout.ts";

const NAMES: ReadonlySet<string> = new Set([
  SUMMARY_FILE,
  RUN_RECEIPT_FILE,
  REPLAY_FILE,
  MANIFEST_FILE,
  PATCH_FILE,
  BASE_FILE,
]);

const FOLDERS: ReadonlyMap<string, RegExp> = new Map([
  [RECEIPTS_FOLDER, /^[a-z]{2,12}_[0-9a-f]{24}\.json$/],
  [ARTIFACTS_FOLDER, /^[0-9a-f]{64}$/],
]);

const REQUIRED = [SUMMARY_FILE, RUN_RECEIPT_FILE, REPLAY_FILE, MANIFEST_FILE];

export type ReadBundle = { readonly files: BundleFiles; readonly problems: readonly string[] };

/** Any of them makes it one, so that a bundle whose manifest was taken away is a broken bundle and not none. */
export function looksLikeBundle(dir: string): boolean {
  return REQUIRED.some((name) => existsSync(join(dir, name)));
}

/** Never throws: what cannot be read is a problem. */
export async function readBundleFiles(dir: string): Promise<ReadBundle> {
  const files = new Map<string, Buffer>();
  const problems: string[] = [];
  let room = BYTES_MAX;
  const take = async (path: string) => {
    try {
      const bytes = await readPlainFile(join(dir, path), room);
      room -= bytes.length;
      files.set(path, bytes);
    } catch (cause) {
      problems.push(`${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
    }
  };
  for (const entry of await list(dir, "", problems)) {
    const inner = FOLDERS.get(entry.name);
    if (NAMES.has(entry.name) && entry.isFile()) await take(entry.name);
    else if (inner === undefined || !entry.isDirectory()) problems.push(`${entry.name} does not belong here`);
    else {
      const entries = await list(join(dir, entry.name), entry.name, problems);
      if (entries.length === 0) problems.push(`${entry.name} is an empty folder`);
      for (const child of entries) {
        const path = `${entry.name}/${child.name}`;
        if (inner.test(child.name) && child.isFile()) await take(path);
        else problems.push(`${path} does not belong here`);
      }
    }
  }
  for (const name of REQUIRED) if (!files.has(name)) problems.push(`${name} is missing`);
  return { files, problems };
}

async function list(folder: string, name: string, problems: string[]) {
  try {
    const entries = await readdir(folder, { withFileTypes: true });
    if (entries.length > FILES_MAX)
      problems.push(`${name || "the folder"} holds more than ${FILES_MAX} entries`);
    return entries.slice(0, FILES_MAX).toSorted((a, b) => (a.name < b.name ? -1 : 1));
  } catch (cause) {
    problems.push(
      `${name || "the folder"} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
    );
    return [];
  }
}

async function readPlainFile(path: string, room: number): Promise<Buffer> {
  await using file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  const found = await file.stat();
  if (!found.isFile()) throw new Error("it is not a plain file");
  if (found.size > room) throw new Error(`the bundle is larger than ${BYTES_MAX} bytes`);
  return file.readFile();
}
