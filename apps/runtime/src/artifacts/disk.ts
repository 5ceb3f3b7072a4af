// Bytes by hash on the local disk. A file's name is its sha256, and a file is
// complete from the moment it has its name: it is written beside, flushed, and
// renamed, so that kill −9 leaves no half artifact.

import { createHash, randomUUID } from "node:crypto";
import { createReadStream } from "node:fs";
import { mkdir, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";

export type StoreOutcome =
  | { readonly kind: "stored"; readonly bytes: number }
  | { readonly kind: "hash_mismatch"; readonly actual: string };

export type ArtifactDisk = {
  /** Store a stream under the hash that it must have. The stream is read to its end either way. */
  store(sha256: string, content: Readable): Promise<StoreOutcome>;
  read(sha256: string): Readable;
  /** Size in bytes; undefined when absent. */
  find(sha256: string): Promise<number | undefined>;
  /** The hash that the stored bytes have now; undefined when absent. */
  rehash(sha256: string): Promise<string | undefined>;
};

/** Open the store in a folder, and remove what an earlier process left half written. */
export async function openArtifactDisk(folder: string): Promise<ArtifactDisk> {
  const incoming = join(folder, "incoming");
  await mkdir(incoming, { recursive: true, mode: 0o700 });
  for (const name of await readdir(incoming)) await rm(join(incoming, name), { force: true });
  const pathOf = (sha256: string) => join(folder, sha256.slice(0, 2), sha256);

  return {
    async store(sha256, content) {
      const partial = join(incoming, randomUUID());
      try {
        const { bytes, actual } = await writeHashed(partial, content);
        if (actual !== sha256) return { kind: "hash_mismatch", actual };
        await mkdir(join(folder, sha256.slice(0, 2)), { recursive: true, mode: 0o700 });
        await rename(partial, pathOf(sha256));
        await syncFolder(join(folder, sha256.slice(0, 2)));
        return { kind: "stored", bytes };
      } finally {
        await rm(partial, { force: true });
      }
    },

    read: (sha256) => createReadStream(pathOf(sha256)),

    async find(sha256) {
      const found = await stat(pathOf(sha256)).catch(absentIsUndefined);
      return found?.size;
    },

    async rehash(sha256) {
      if ((await stat(pathOf(sha256)).catch(absentIsUndefined)) === undefined) return undefined;
      const hash = createHash("sha256");
      for await (const chunk of createReadStream(pathOf(sha256))) hash.update(chunk);
      return hash.digest("hex");
    },
  };
}

async function writeHashed(path: string, content: Readable): Promise<{ bytes: number; actual: string }> {
  const hash = createHash("sha256");
  let bytes = 0;
  await using file = await open(path, "wx", 0o600);
  for await (const chunk of content) {
    hash.update(chunk);
    bytes += chunk.length;
    // Writes all of it or throws, where a bare write may stop short on a full disk.
    await file.appendFile(chunk);
  }
  await file.sync();
  return { bytes, actual: hash.digest("hex") };
}

/** Makes the new name outlive a power failure: the grant in the database does. */
async function syncFolder(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}

function absentIsUndefined(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
