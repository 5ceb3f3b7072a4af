// Where the work of one attempt is redone as far as that goes without running
// anything: its base out of its bundle file, and the trees and classification
// that follow from base and patch.

import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decode, sandboxRunSpecDesc, type SandboxRunSpec } from "@openagents/contracts";
import { sha256Hex } from "@openagents/receipts";
import { openBundle, type Base } from "../git/index.ts";
import { planLegs, type LegPlan } from "../legs/index.ts";
import { objectOf } from "./json-view.ts";
import { ARTIFACTS_FOLDER, BASE_FILE, BYTES_MAX, PATCH_FILE, type BundleFiles } from "./layout.ts";
import type { Attempt } from "./story.ts";

/** Each part is made once; what cannot be made throws the same again. */
export type Bench = AsyncDisposable & {
  readonly attempt: Attempt;
  spec(): SandboxRunSpec;
  readPatch(): Buffer;
  openBase(): Promise<Base>;
  openPlan(): Promise<LegPlan>;
};

export function openBench(files: BundleFiles, attempt: Attempt): Bench {
  let folder: string | undefined;
  const spec = once(() => decode(sandboxRunSpecDesc, objectOf(attempt.dispatch, "spec")));
  const readPatch = () => readInput(files, spec().patchSha256);
  const openBase = once(async () => {
    const bundle = readInput(files, spec().baseBundleSha256);
    folder = await mkdtemp(join(tmpdir(), "openagents-verify-"));
    const bundleFile = join(folder, "input.bundle");
    await writeFile(bundleFile, bundle);
    return openBundle(bundleFile, folder, { commit: spec().baseCommit, tree: spec().baseTree }, BYTES_MAX);
  });
  return {
    attempt,
    spec,
    readPatch,
    openBase,
    openPlan: once(async () => planLegs(await openBase(), spec(), readPatch())),
    async [Symbol.asyncDispose]() {
      if (folder !== undefined) await rm(folder, { recursive: true, force: true });
    },
  };
}

/** The bytes of a hash, under whatever name the bundle has them. Throws when it has not. */
export function readInput(files: BundleFiles, sha256: string): Buffer {
  for (const path of [PATCH_FILE, BASE_FILE, `${ARTIFACTS_FOLDER}/${sha256}`]) {
    const bytes = files.get(path);
    if (bytes !== undefined && sha256Hex(bytes) === sha256) return bytes;
  }
  throw new Error(`the input ${sha256} is missing`);
}

function once<T>(make: () => T): () => T {
  let made: { readonly value: T } | undefined;
  return () => (made ??= { value: make() }).value;
}
