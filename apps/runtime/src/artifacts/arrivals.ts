// The folder that uploads arrive in: hashed on the way, flushed, and gone again
// unless a store took them.

import { createHash, randomUUID } from "node:crypto";
import { mkdir, open, readdir, rm } from "node:fs/promises";
import { join } from "node:path";
import type { Readable } from "node:stream";
import { ProblemError } from "@openagents/contracts";
import type { Arrived } from "./blob-store.ts";

export type Arrivals = {
  /**
   * Read a stream to its end and hand its bytes to a body; whatever happens, the
   * file is gone afterwards. Throws 400 `hash_mismatch`, 507 `storage_full`.
   */
  receive<T>(sha256: string, content: Readable, body: (arrived: Arrived) => Promise<T>): Promise<T>;
};

/** Open the folder, and remove what an earlier process left half written. */
export async function openArrivals(folder: string): Promise<Arrivals> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  for (const name of await readdir(folder)) await rm(join(folder, name), { force: true });
  return {
    async receive(sha256, content, body) {
      const path = join(folder, randomUUID());
      try {
        const arrived = await fullIsSaid(writeHashed(path, content));
        if (arrived.sha256 !== sha256) throw mismatch(arrived.sha256);
        return await fullIsSaid(body(arrived));
      } finally {
        await rm(path, { force: true });
      }
    },
  };
}

async function writeHashed(path: string, content: Readable): Promise<Arrived> {
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
  return { path, bytes, sha256: hash.digest("hex") };
}

function mismatch(actual: string): ProblemError {
  return new ProblemError({
    status: 400,
    code: "hash_mismatch",
    detail: `The body's sha256 is ${actual}, not the one in the path. Nothing was stored.`,
  });
}

const FULL_CODES = new Set(["ENOSPC", "EDQUOT"]);

async function fullIsSaid<T>(work: Promise<T>): Promise<T> {
  try {
    return await work;
  } catch (cause) {
    if (!(cause instanceof Error && "code" in cause && FULL_CODES.has(String(cause.code)))) throw cause;
    throw new ProblemError({
      status: 507,
      code: "storage_full",
      detail:
        "The operator's storage is full. Nothing of this upload was stored, and what was stored before is safe. " +
        "Send it again once the operator has made room.",
      cause,
    });
  }
}
