import type { ArtifactDisk } from "./disk.ts";

/** The largest patch that is read into memory. */
export const PATCH_BYTES_MAX = 16 * 1024 * 1024;

/** The stored bytes as text; undefined when nothing is stored under the hash, or too much. */
export async function readPatch(disk: ArtifactDisk, sha256: string): Promise<string | undefined> {
  const bytes = await disk.find(sha256);
  if (bytes === undefined || bytes > PATCH_BYTES_MAX) return undefined;
  const chunks: Buffer[] = [];
  for await (const chunk of disk.read(sha256)) chunks.push(chunk);
  return Buffer.concat(chunks).toString("utf8");
}
