// Reading a bundle as data, from its folder or from the archive that the console
// makes of it: plain files in the places that the layout names, within its limits.
// Links and other things are told, never followed.

import { closeSync, constants, existsSync, openSync, readSync, statSync } from "node:fs";
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
import { looksLikeArchive, readArchive } from "./read-archive.ts";

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

/** Room for an archive's directory and names besides the files. */
const ARCHIVE_BYTES_MAX = BYTES_MAX + FILES_MAX * 1024;

/**
 * A folder is one with any of these names, so that a bundle whose manifest was
 * taken away is a broken bundle and not none; a file is one when it is an archive.
 */
export function looksLikeBundle(path: string): boolean {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return isArchive(path);
  return REQUIRED.some((name) => existsSync(join(path, name)));
}

function isArchive(path: string): boolean {
  const head = Buffer.alloc(22);
  const file = openSync(path, "r");
  try {
    return readSync(file, head) === head.length && looksLikeArchive(head);
  } finally {
    closeSync(file);
  }
}

/** Never throws: what cannot be read is a problem. */
export async function readBundleFiles(path: string): Promise<ReadBundle> {
  if (statSync(path, { throwIfNoEntry: false })?.isFile() === true) return readArchived(path);
  return readFolder(path);
}

async function readArchived(archive: string): Promise<ReadBundle> {
  const files = new Map<string, Buffer>();
  const problems: string[] = [];
  try {
    for (const { path, bytes } of readArchive(await readPlainFile(archive, ARCHIVE_BYTES_MAX))) {
      if (files.has(path)) problems.push(`${path} is there twice`);
      else if (belongs(path)) files.set(path, bytes);
      else problems.push(`${path} does not belong here`);
    }
  } catch (cause) {
    problems.push(`the archive cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`);
  }
  for (const name of REQUIRED) if (!files.has(name)) problems.push(`${name} is missing`);
  return { files, problems };
}

function belongs(path: string): boolean {
  const [folder = "", name, ...more] = path.split("/");
  if (name === undefined) return NAMES.has(path);
  return more.length === 0 && FOLDERS.get(folder)?.test(name) === true;
}

async function readFolder(dir: string): Promise<ReadBundle> {
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
