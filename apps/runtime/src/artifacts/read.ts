import type { ArtifactDisk } from "./disk.ts";

/** The largest patch that is read into memory. */
export const PATCH_BYTES_MAX = 16 * 1024 * 1024;

/** A patch as text; undefined when nothing is stored under the hash, or too much. */
export async function readPatch(disk: ArtifactDisk, sha256: string): Promise<string | undefined> {
  return readText(disk, sha256, PATCH_BYTES_MAX);
}

export async function readText(
  disk: ArtifactDisk,
  sha256: string,
  bytesMax: number,
): Promise<string | undefined> {
  return (await readBytes(disk, sha256, bytesMax))?.toString("utf8");
}

/** The stored bytes; undefined when nothing is stored under the hash, or more than `bytesMax`. */
export async function readBytes(
  disk: ArtifactDisk,
  sha256: string,
  bytesMax: number,
): Promise<Buffer | undefined> {
  const bytes = await disk.find(sha256);
  if (bytes === undefined || bytes > bytesMax) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of disk.read(sha256)) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** The first bytes, as many as there are; empty when nothing is stored under the hash. */
export async function readPrefix(disk: ArtifactDisk, sha256: string, bytesMax: number): Promise<Buffer> {
  if ((await disk.find(sha256)) === undefined) return Buffer.alloc(0);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of disk.read(sha256)) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= bytesMax) break;
  }
  return Buffer.concat(chunks).subarray(0, bytesMax);
}
