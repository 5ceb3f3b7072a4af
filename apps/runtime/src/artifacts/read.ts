import { Damaged, type ArtifactReader } from "./reader.ts";

/** The largest patch that is read into memory. */
export const PATCH_BYTES_MAX = 16 * 1024 * 1024;

/** A patch as text; undefined when nothing whole is stored under the hash, or too much. */
export async function readPatch(artifacts: ArtifactReader, sha256: string): Promise<string | undefined> {
  return readText(artifacts, sha256, PATCH_BYTES_MAX);
}

export async function readText(
  artifacts: ArtifactReader,
  sha256: string,
  bytesMax: number,
): Promise<string | undefined> {
  return (await readBytes(artifacts, sha256, bytesMax))?.toString("utf8");
}

/** The stored bytes; undefined when nothing whole is stored under the hash, or more than `bytesMax`. */
export async function readBytes(
  artifacts: ArtifactReader,
  sha256: string,
  bytesMax: number,
): Promise<Buffer | undefined> {
  const bytes = await artifacts.find(sha256);
  if (bytes === undefined || bytes > bytesMax) return undefined;
  const content = await artifacts.read(sha256);
  if (content === undefined) return undefined;
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of content) chunks.push(chunk);
  } catch (error) {
    if (error instanceof Damaged) return undefined;
    throw error;
  }
  return Buffer.concat(chunks);
}

/** The first bytes, as many as there are; empty when nothing is stored under the hash. */
export async function readPrefix(
  artifacts: ArtifactReader,
  sha256: string,
  bytesMax: number,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of (await artifacts.read(sha256)) ?? []) {
    chunks.push(chunk);
    bytes += chunk.length;
    if (bytes >= bytesMax) break;
  }
  return Buffer.concat(chunks).subarray(0, bytesMax);
}
