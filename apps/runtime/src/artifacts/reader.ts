// Stored bytes by their hash, whoever may read them: callers ask for grants first.

import { createHash } from "node:crypto";
import { pipeline, Transform, type Readable } from "node:stream";
import type { Database } from "@openagents/postgres";
import type { BlobStore } from "./blob-store.ts";
import { findArtifact } from "./blobs.ts";
import { listReadable, type Grant } from "./grants.ts";

export type ArtifactReader = {
  /** Size in bytes; undefined when nothing is stored under the hash. */
  find(sha256: string): Promise<number | undefined>;
  /** Ends in an error when the bytes do not have the hash any more. */
  read(sha256: string): Promise<Readable | undefined>;
  /** Whether the bytes are there and have the hash. */
  isIntact(sha256: string): Promise<boolean>;
  /** What an organisation may read of these hashes now, by hash. */
  listGranted(org: string, hashes: readonly string[]): Promise<Map<string, Grant>>;
};

export type ReaderDeps = {
  readonly db: Database;
  readonly store: BlobStore;
  readonly nowMs: () => number;
};

export function openReader({ db, store, nowMs }: ReaderDeps): ArtifactReader {
  const open = async (sha256: string) => {
    const artifact = await findArtifact(db, sha256);
    const bytes = artifact && (await store.get(artifact.blob));
    return bytes && verified(bytes, sha256);
  };
  return {
    find: async (sha256) => (await findArtifact(db, sha256))?.bytes,
    read: open,
    async isIntact(sha256) {
      try {
        const bytes = await open(sha256);
        if (bytes === undefined) return false;
        for await (const chunk of bytes) void chunk;
        return true;
      } catch (error) {
        if (error instanceof Damaged) return false;
        throw error;
      }
    },
    listGranted: (org, hashes) => listReadable(db, org, hashes, nowMs()),
  };
}

/** What is stored does not have its hash any more. */
export class Damaged extends Error {
  override readonly name = "Damaged";
}

/** The bytes as they come; what does not have the hash ends in an error, and never as if it were whole. */
function verified(bytes: Readable, sha256: string): Readable {
  const hash = createHash("sha256");
  const check = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      hash.update(chunk);
      done(undefined, chunk);
    },
    flush(done) {
      const actual = hash.digest("hex");
      done(actual === sha256 ? undefined : new Damaged(`the bytes of ${sha256} have the hash ${actual}`));
    },
  });
  // The reader of the checked bytes hears of errors; nobody else listens.
  pipeline(bytes, check, () => undefined);
  return check;
}
