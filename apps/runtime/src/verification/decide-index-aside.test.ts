import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import type { RepoIndexResult, RepoIndexSpec } from "@openagents/contracts";
import { makeRepoIndex, treeIdOf, type IndexEntry } from "@openagents/proof";
import { canonicalize, sha256Hex } from "@openagents/receipts";
import { openIndexDecider } from "./decide-index-aside.ts";
import { decideRepoIndex } from "./decide-repo-index.ts";

test("an index is decided on in a thread as it is here, and others have their turn meanwhile", async () => {
  const { spec, result, bytes } = indexOf(2_000);
  const outputs = new Map([[result.indexSha256, "intact"]] as const);
  const decide = openIndexDecider();
  for (const [index, told] of [
    [bytes, result],
    [bytes, { ...result, lines: 7n }],
    [bytes.subarray(1), result],
    [undefined, result],
  ] as const) {
    let turns = 0;
    const turn = () => void (turns += 1);
    const counting = setInterval(turn, 0);
    const decision = await decide(spec, told, { outputs, index });
    clearInterval(counting);
    assert.deepEqual(decision, decideRepoIndex(spec, told, { outputs, index }));
    assert.ok(turns > 0, "nobody had a turn");
  }
});

test("many at once are decided each as its own, and one that cannot be holds up no other", async () => {
  const { spec, result, bytes } = indexOf(10);
  const outputs = new Map([[result.indexSha256, "intact"]] as const);
  const decide = openIndexDecider();
  // A proxy cannot be handed to a thread.
  const broken = decide(new Proxy(spec, {}), result, { outputs, index: bytes });
  const others = Array.from({ length: 3 }, () => decide(spec, result, { outputs, index: bytes }));
  await assert.rejects(broken, { name: "DataCloneError" });
  for (const { verdict } of await Promise.all(others)) assert.equal(verdict, "proven");
});

function indexOf(files: number) {
  const entries = Array.from({ length: files }, (_, number): IndexEntry => {
    const bytes = Buffer.from(`${number}\n`);
    const id = createHash("sha1").update(`blob ${bytes.length}\0`).update(bytes).digest("hex");
    const content = { bytes: bytes.length, sha256: sha256Hex(bytes), lines: 1 };
    return { path: `f${String(number).padStart(6, "0")}`, mode: "100644", id, content };
  });
  const tree = treeIdOf(entries) ?? "";
  const index = makeRepoIndex(tree, entries);
  const bytes = Buffer.from(canonicalize(index));
  const spec: RepoIndexSpec = {
    baseBundleSha256: "a".repeat(64),
    baseCommit: "b".repeat(40),
    baseTree: tree,
    filesMax: 20_000,
    bytesMax: 1_000_000n,
    wallMs: 1_000n,
  };
  const result: RepoIndexResult = {
    tree,
    indexSha256: sha256Hex(bytes),
    indexBytes: BigInt(bytes.length),
    files: index.totals.files,
    bytes: BigInt(index.totals.bytes),
    lines: BigInt(index.totals.lines),
  };
  return { spec, result, bytes };
}
