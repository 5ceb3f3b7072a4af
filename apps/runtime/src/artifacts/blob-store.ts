// Where bytes are: the one port to a disk or an object store. It knows names and
// nothing else; what they stand for, for whom, and how long is in the database.

import { randomBytes } from "node:crypto";
import type { Readable } from "node:stream";

/** Bytes that arrived, in a file of ours; `put` may take the file away. */
export type Arrived = { readonly path: string; readonly sha256: string; readonly bytes: number };

export type BlobStore = {
  /**
   * Keep these bytes under a name that was never used before. They are safe when
   * it resolves, and whole or absent when it does not.
   */
  put(blob: string, arrived: Arrived): Promise<void>;
  /** Undefined when there is nothing under the name. */
  get(blob: string): Promise<Readable | undefined>;
  /** Size in bytes; undefined when there is nothing under the name. */
  stat(blob: string): Promise<number | undefined>;
  /** Nothing under the name is fine. */
  delete(blob: string): Promise<void>;
};

/** A fresh name for bytes with this hash. */
export function newBlobName(sha256: string): string {
  return `${sha256}.${randomBytes(8).toString("hex")}`;
}
