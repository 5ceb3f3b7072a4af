// The work that is sold in the simulation: one base, patches that hold or do not,
// and what running a patch's check really gives. No command runs here; providers
// in a simulation say what they would have seen.

import { createHash } from "node:crypto";
import { deflateSync } from "node:zlib";
import type { SandboxRunResult, SandboxRunSpec } from "@openagents/contracts";

export type Patch = {
  readonly bytes: Buffer;
  readonly sha256: string;
  /** Whether the check passes with it. */
  readonly holds: boolean;
};

export const COMMAND = "node --test";
const BASE_TREE = "b".repeat(40);
const PATCHED_TREE = "c".repeat(40);

/** Git's bundle of one parentless commit, as strangers may have it. Its tree is not in it: nothing here runs. */
export const BASE = makeBase();

function makeBase(): { readonly bytes: Buffer; readonly sha256: string; readonly commit: string } {
  const who = "simulation <simulation@localhost> 0 +0000";
  const commit = Buffer.from(`tree ${BASE_TREE}\nauthor ${who}\ncommitter ${who}\n\nbase\n`);
  const id = createHash("sha1").update(`commit ${commit.length}\0`).update(commit).digest("hex");
  const head = Buffer.alloc(12);
  head.write("PACK");
  head.writeUInt32BE(2, 4);
  head.writeUInt32BE(1, 8);
  // Type and length of the object: four bits of the length, then seven at a time.
  const size = Buffer.from([0x90 | (commit.length & 15), commit.length >> 4]);
  const pack = Buffer.concat([head, size, deflateSync(commit)]);
  const bytes = Buffer.concat([
    Buffer.from(`# v2 git bundle\n${id} HEAD\n\n`),
    pack,
    createHash("sha1").update(pack).digest(),
  ]);
  return { bytes, sha256: sha256Of(bytes), commit: id };
}

/** Each its own, so that no two jobs are the same work. */
export function makePatch(number: number, holds: boolean): Patch {
  const bytes = Buffer.from(
    `diff --git a/src/sum.js b/src/sum.js
--- a/src/sum.js
+++ b/src/sum.js
@@ -1 +1 @@
-export const sum = (a, b) => a - b;
+export const sum = (a, b) => a ${holds ? "+" : "*"} b; // ${number}
`,
  );
  return { bytes, sha256: sha256Of(bytes), holds };
}

export function specOf(patch: Patch): SandboxRunSpec {
  return {
    baseBundleSha256: BASE.sha256,
    baseCommit: BASE.commit,
    baseTree: BASE_TREE,
    patchSha256: patch.sha256,
    patchTestPaths: [],
    guardPaths: [],
    checkPaths: [],
    layers: [],
    commands: [COMMAND],
    limits: {
      wallMs: 60_000n,
      cpuMs: 60_000n,
      memoryMib: 512,
      pids: 128,
      diskMib: 128,
      outputBytes: 65_536n,
    },
    toolchains: [],
  };
}

/** A report that the patch passes, or that it fails, with outputs by this hash. */
export function reportOf(passes: boolean, outputSha256: string, repeats = 1): SandboxRunResult {
  const leg = (name: "base" | "patched", exitCode: number): SandboxRunResult["legs"][number] => ({
    leg: name,
    tree: name === "base" ? BASE_TREE : PATCHED_TREE,
    commands: [
      {
        command: COMMAND,
        exitCode,
        durationMs: 5n,
        stdoutSha256: outputSha256,
        stderrSha256: outputSha256,
      },
    ],
  });
  return {
    legs: Array.from({ length: repeats }, () => [leg("base", 1), leg("patched", passes ? 0 : 1)]).flat(),
    environment: {
      os: "simulation",
      arch: "x64",
      kernel: "0",
      sandbox: "none, simulated",
      limitsBy: "rlimits",
      toolchains: [],
    },
  };
}

export function sha256Of(bytes: Buffer | string): string {
  return createHash("sha256").update(bytes).digest("hex");
}
