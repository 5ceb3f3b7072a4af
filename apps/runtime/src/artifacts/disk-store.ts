// Bytes on the local disk. A file is complete from the moment it has its name: it
// arrives beside, is flushed, and is renamed, so that kill −9 leaves no half one.

import { createReadStream } from "node:fs";
import { mkdir, open, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import type { BlobStore } from "./blob-store.ts";

/** Keep bytes in a folder; what arrives must be on the same file system. */
export function diskStore(folder: string): BlobStore {
  const folderOf = (blob: string) => join(folder, blob.slice(0, 2));
  const pathOf = (blob: string) => join(folderOf(blob), blob);

  return {
    async put(blob, { path }) {
      await mkdir(folderOf(blob), { recursive: true, mode: 0o700 });
      await rename(path, pathOf(blob));
      await syncFolder(folderOf(blob));
    },

    async get(blob) {
      // Opened before it is answered: a file that is deleted then is read to its end all the same.
      const file = await open(pathOf(blob), "r").catch(absentIsUndefined);
      return file === undefined ? undefined : createReadStream("", { fd: file });
    },

    async stat(blob) {
      return (await stat(pathOf(blob)).catch(absentIsUndefined))?.size;
    },

    async delete(blob) {
      await rm(pathOf(blob), { force: true });
    },
  };
}

/** Makes the new name outlive a power failure: the row in the database does. */
async function syncFolder(path: string): Promise<void> {
  await using handle = await open(path, "r");
  await handle.sync();
}

function absentIsUndefined(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
