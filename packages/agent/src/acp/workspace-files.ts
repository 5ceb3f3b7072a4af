// The files that an ACP agent reads and writes through us: those of the
// workspace, and not git's own, whose settings and hooks our git would obey.
// Folders that the task lets it read are read alone.

import { constants } from "node:fs";
import { mkdir, open, realpath, stat } from "node:fs/promises";
import { basename, dirname, isAbsolute, join, relative, resolve, sep } from "node:path";
import { RequestError, type ReadTextFileRequest, type WriteTextFileRequest } from "@agentclientprotocol/sdk";
import type { FileChange } from "../agent.ts";

const FILE_BYTES_MAX = 10 * 1024 * 1024;

/** Of any of these folders. Lines are counted from 1. Throws `RequestError`, which the agent sees. */
export async function readWorkspaceFile(
  dirs: readonly string[],
  { path, line, limit }: Pick<ReadTextFileRequest, "path" | "line" | "limit">,
): Promise<string> {
  const { file } = await placeOf(dirs, path);
  const text = await readBounded(file, path);
  const from = Math.max(line ?? 1, 1) - 1;
  return text
    .split("\n")
    .slice(from, from + (limit ?? Infinity))
    .join("\n");
}

/** Makes folders as needed. Throws `RequestError`, which the agent sees. */
export async function writeWorkspaceFile(
  dir: string,
  { path, content }: Pick<WriteTextFileRequest, "path" | "content">,
): Promise<FileChange> {
  if (Buffer.byteLength(content) > FILE_BYTES_MAX)
    throw refused(path, `more than ${FILE_BYTES_MAX} bytes are not written`);
  const { file, name } = await placeOf([dir], path);
  const change = (await stat(file).catch(() => undefined)) === undefined ? "added" : "modified";
  await mkdir(dirname(file), { recursive: true });
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_TRUNC | constants.O_NOFOLLOW;
  try {
    await using handle = await open(file, flags, 0o644);
    await handle.writeFile(content);
  } catch {
    throw refused(path, "it cannot be written");
  }
  return { path: name, change };
}

async function readBounded(file: string, path: string): Promise<string> {
  try {
    await using handle = await open(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    const about = await handle.stat();
    if (about.isFile() && about.size <= FILE_BYTES_MAX) return await handle.readFile("utf8");
  } catch {
    // The same answer as for what is no file.
  }
  throw refused(path, `it is not a file of at most ${FILE_BYTES_MAX} bytes`);
}

/**
 * Where the path really leads, links followed as far as there is something.
 * The last part may be a link only when opening it is refused (O_NOFOLLOW).
 */
async function placeOf(dirs: readonly string[], path: string): Promise<{ file: string; name: string }> {
  if (!isAbsolute(path)) throw refused(path, "paths must be absolute");
  const wanted = resolve(path);
  const file = join(await realPartOf(dirname(wanted)), basename(wanted));
  const roots = await Promise.all(dirs.map((dir) => realpath(dir)));
  const name = roots.map((root) => relative(root, file)).find(isBelow);
  if (name === undefined) throw refused(path, "it is outside of the workspace");
  if (name.toLowerCase().split(sep).includes(".git")) throw refused(path, "git's own files are left alone");
  return { file, name };
}

function isBelow(name: string): boolean {
  return name !== "" && !name.startsWith("..") && !isAbsolute(name);
}

async function realPartOf(folder: string): Promise<string> {
  try {
    return await realpath(folder);
  } catch {
    const parent = dirname(folder);
    return parent === folder ? folder : join(await realPartOf(parent), basename(folder));
  }
}

function refused(path: string, why: string): RequestError {
  return RequestError.invalidParams({ path }, `${path}: ${why}`);
}
